"""Late and few labels: ours and others on the same real events, with the same labels at the same moments.

    python -m benchmarks.late_labels --data ../shared/data/spamassassin

Labels come so many events late, for a part of the events; several draws of that part. What is printed for each rival is
(1 - AUC) in %, and the interval of how much better ours is, over events and draws drawn anew. A rival that cannot be
had here is left out, loudly.
"""

import json
import random
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from river import linear_model, optim

from benchmarks.learning import vowpal_python
from engine.cli.recordings import read_lines
from engine.learning.evaluated import EvaluatedClassifier, EvaluatedModel
from engine.learning.evaluation import Evaluated, EvaluationCase, Scenario, evaluate
from engine.learning.features import Inputs, Names
from engine.learning.labels import Example
from engine.learning.metrics import roc_auc
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.discovery import MODEL, SAMPLE, discover
from engine.settings import Settings
from engine.stream.offline.recorded import cases, event_documents, flat_lines, truths

ROUNDS = 1_000
RIVER = {
    "River: BagOfWords, MultinomialNB": "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()",
    "River: TFIDF, LogisticRegression": "feature_extraction.TFIDF(on='text') | linear_model.LogisticRegression()",
    "River: TFIDF, LogisticRegression(AdaGrad)": (
        "feature_extraction.TFIDF(on='text') | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3))"
    ),
}
VOWPAL = {
    "Vowpal Wabbit, 4-grams of characters": "characters",
    "Vowpal Wabbit, words and pairs": "words",
}

_TEXT, _EMPTY = Names(("text",), (), ()), Inputs(("",), (), ())

Step = tuple[int, bool | None]
"""A case by its number, and what it is called; None: it is to be scored."""
Scores = list[float]
Rival = Callable[[Sequence[EvaluationCase], Scenario], Scores]


class Recorder:
    """A learner that notes what it is asked and told: what it says changes neither."""

    def __init__(self, found: Sequence[EvaluationCase]) -> None:
        self._numbers = {case.event_id: at for at, case in enumerate(found)}
        self.steps: list[Step] = []

    def score(self, case: EvaluationCase) -> float:
        """A half."""
        self.steps.append((self._numbers[case.event_id], None))
        return 0.5

    def learn(self, example: Example) -> None:
        """One label."""
        self.steps.append((self._numbers[example.event_id], example.verdict == "spam"))


class Unhinted(EvaluatedModel):
    """Ours, without what the rulebook hints at."""

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""
        return super().score(replace(case, names=msgspec.structs.replace(case.names, hints=())))

    def learn(self, example: Example) -> None:
        """One label."""
        super().learn(replace(example, names=msgspec.structs.replace(example.names, hints=())))


class ByteGrams:
    """River's logistic regression on the byte 4-grams of a text, in a dictionary."""

    def __init__(self) -> None:
        self._learner = linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3))

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""
        return float(self._learner.predict_proba_one(_grams(case.inputs.texts))[True])

    def learn(self, example: Example) -> None:
        """One label."""
        self._learner.learn_one(_grams(example.inputs.texts), example.verdict == "spam")


class TextClassifier(EvaluatedClassifier):
    """A pipeline of River's that reads `text`; of an event without one, an empty one."""

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""
        return super().score(case if _has_text(case.names) else replace(case, names=_TEXT, inputs=_EMPTY))

    def learn(self, example: Example) -> None:
        """One label."""
        super().learn(example if _has_text(example.names) else replace(example, names=_TEXT, inputs=_EMPTY))


def _has_text(names: Names) -> bool:
    return "text" in names.texts or "event.text" in names.texts


def _grams(texts: Sequence[str | None]) -> dict[int, float]:
    data = _text(texts).encode()[:2_500]
    found = {int.from_bytes(data[at : at + 4], "big") for at in range(len(data) - 3)}
    return dict.fromkeys(found, max(1, len(found)) ** -0.5)


def _text(texts: Sequence[str | None]) -> str:
    return "\n".join(text for text in texts if text)


def of_learner(make: Callable[[], Evaluated]) -> Rival:
    """Scores of what learns in this process."""
    return lambda found, scenario: evaluate(found, make(), scenario).scores


def of_vowpal(reads: str) -> Rival:
    """Scores of Vowpal Wabbit, in an environment of its own."""

    def run(found: Sequence[EvaluationCase], scenario: Scenario) -> Scores:
        steps = [(_text(found[at].inputs.texts), spam) for at, spam in _steps(found, scenario)]
        program = str(Path(__file__).with_name("vowpal_steps.py"))
        told = subprocess.run(
            [str(vowpal_python()), program, reads], input=json.dumps(steps), check=True, capture_output=True, text=True
        )
        return [float(score) for score in json.loads(told.stdout)]

    return run


def of_bogofilter(found: Sequence[EvaluationCase], scenario: Scenario) -> Scores:
    """Scores of bogofilter, which keeps words in a directory."""
    if shutil.which("bogofilter") is None:
        raise FileNotFoundError("bogofilter is not installed")
    scores: Scores = []
    with tempfile.TemporaryDirectory() as directory:
        words, asked = Path(directory) / "words", []
        words.mkdir()
        for at, case in enumerate(found):
            (Path(directory) / str(at)).write_text(_text(case.inputs.texts), "utf-8", "replace")
        for at, spam in (*_steps(found, scenario), (0, True)):
            file = f"{directory}/{at}"
            if spam is None:
                asked.append(file)
                continue
            scores += _ask_bogofilter(words, asked)
            asked = []
            subprocess.run(["bogofilter", "-d", words, "-s" if spam else "-n", "-B", file], check=True)
    return scores


def _ask_bogofilter(words: Path, files: Sequence[str]) -> Scores:
    if not files:
        return []
    if not any(words.iterdir()):
        return [0.5] * len(files)
    asked = subprocess.run(
        ["bogofilter", "-d", words, "-T", "-T", "-b"],
        input="\n".join(files),
        capture_output=True,
        text=True,
        check=False,  # its exit code is the verdict
    )
    return [float(line.split()[-1]) for line in asked.stdout.splitlines()]


def _steps(found: Sequence[EvaluationCase], scenario: Scenario) -> list[Step]:
    recorder = Recorder(found)
    evaluate(found, recorder, scenario)
    return recorder.steps


def of_river(expression: str) -> Rival:
    """Scores of a pipeline of River's."""
    return of_learner(lambda: TextClassifier(expression))


RIVALS: dict[str, Rival] = {
    "default, without hints": of_learner(Unhinted),
    "bogofilter": of_bogofilter,
    **{name: of_vowpal(reads) for name, reads in VOWPAL.items()},
    **{name: of_river(text) for name, text in RIVER.items()},
    "River: byte 4-grams, LogisticRegression(AdaGrad)": of_learner(ByteGrams),
}


def read_cases(data: Path) -> list[EvaluationCase]:
    """The events as a model that reads all that is there would see them."""
    lines, known = list(flat_lines(read_lines(data / "events.jsonl.gz"))), truths(read_lines(data / "labels.jsonl.gz"))
    rulebook = load_rulebook({"discovered.yaml": discover(event_documents(lines, SAMPLE))})
    return [case for case in cases(rulebook, MODEL, lines, known, Settings()) if case.spam is not None]


def interval(ours: Sequence[Scores], theirs: Sequence[Scores], spam: Sequence[bool]) -> tuple[float, float]:
    """95 % of the differences in (1 - AUC) %, over events and draws drawn anew; above 0: ours is better."""
    draws, differences = random.Random(0), []
    for _ in range(ROUNDS):
        draw = draws.randrange(len(ours))
        events = draws.choices(range(len(spam)), k=len(spam))
        truth = [spam[at] for at in events]
        areas = [roc_auc([scores[draw][at] for at in events], truth) or 0.0 for scores in (ours, theirs)]
        differences.append(100 * (areas[0] - areas[1]))
    differences.sort()
    return differences[int(0.025 * ROUNDS)], differences[int(0.975 * ROUNDS)]


def compare(
    found: Sequence[EvaluationCase], scenarios: Sequence[Scenario],
    rivals: dict[str, Rival], console: Console,
) -> dict[str, Any]:  # fmt: skip
    """The table."""
    spam = [bool(case.spam) for case in found]
    ours = [of_learner(EvaluatedModel)(found, scenario) for scenario in scenarios]
    table = Table("learner", "(1 - AUC) %", "of each draw", "ours is better by, 95 %")
    summary: dict[str, Any] = {"default": _row(table, "default", ours, spam, None)}
    for name, run in rivals.items():
        try:
            theirs = [run(found, scenario) for scenario in scenarios]
        except (OSError, subprocess.SubprocessError) as error:
            console.print(f"[yellow]left out: {name} cannot be had here ({error})[/]")
            continue
        summary[name] = _row(table, name, theirs, spam, interval(ours, theirs, spam))
        console.print(f"{name}: {summary[name]}")
    console.print(table)
    return summary


def _row(
    table: Table, name: str, scores: Sequence[Scores], spam: Sequence[bool], bounds: tuple[float, float] | None
) -> dict[str, Any]:
    errors = [100 * (1 - (roc_auc(one, spam) or 0.0)) for one in scores]
    better = f"{bounds[0]:.1f} to {bounds[1]:.1f}" if bounds is not None else ""
    table.add_row(name, f"{statistics.mean(errors):.2f}", " ".join(f"{error:.1f}" for error in errors), better)
    return {"mean": round(statistics.mean(errors), 3), "draws": [round(error, 3) for error in errors], "better": bounds}


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--delay", default=1_000, show_default=True, help="How many events late.")
@click.option("--fraction", default=0.1, show_default=True, help="The share of events that get a label.")
@click.option("--draws", default=6, show_default=True)
@click.option("--out", type=click.Path(path_type=Path))
def main(data: Path, delay: int, fraction: float, draws: int, out: Path | None) -> None:
    """Compare and print."""
    scenarios = [Scenario(delay=delay, fraction=fraction, seed=seed) for seed in range(draws)]
    found = compare(read_cases(data), scenarios, RIVALS, Console(width=140))
    if out is not None:
        out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
