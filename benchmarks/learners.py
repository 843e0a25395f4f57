"""Our learner and others on many streams at once, judged by their mean rank and their worst case.

    python -m benchmarks.learners --data ../shared/data

No learner is tuned to any stream. A stream or a learner that cannot be had here is left out, loudly.
"""

import json
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.arms import ARMED
from benchmarks.late_labels import RIVER, ByteGrams, Rival, of_learner, of_river
from benchmarks.streams import streams
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario
from engine.learning.metrics import calibration_error, roc_auc

_ADAGRAD = "River: TFIDF, LogisticRegression(AdaGrad)"
LEARNERS: dict[str, Rival] = {
    "default": of_learner(EvaluatedModel),
    "River: byte 4-grams, AdaGrad": of_learner(ByteGrams),
    _ADAGRAD: of_river(RIVER[_ADAGRAD]),
}
LATE = 5
"""Late labels come a fifth of a stream late, 1,000 events at most."""

Errors = dict[str, dict[str, float]]
"""(1 - AUC) in %, by stream and learner."""


def scenarios(events: int) -> dict[str, Scenario]:
    """How a stream's labels come."""
    late = min(1_000, events // LATE)
    return {
        "at once": Scenario(delay=0),
        "late": Scenario(delay=late),
        "late, one in ten": Scenario(delay=late, fraction=0.1),
        "one in five wrong": Scenario(delay=0, flip=0.2),
    }


def ranks(errors: Errors) -> dict[str, tuple[float, float, str]]:
    """Of each learner: its mean rank, how many times the best one's error it had at worst, and where."""
    found: dict[str, tuple[float, float, str]] = {}
    for learner in next(iter(errors.values())):
        places = [1 + sum(error < row[learner] for error in row.values()) for row in errors.values()]
        worst, where = max((row[learner] / max(1e-4, min(row.values())), stream) for stream, row in errors.items())
        found[learner] = (statistics.mean(places), worst, where)
    return found


def run(data: Path, console: Console, learners: Mapping[str, Rival] = LEARNERS) -> dict[str, Errors]:
    """All streams and scenarios, as tables."""
    found: dict[str, Errors] = {}
    for stream, read in streams(data):
        try:
            cases = read()
        except (OSError, subprocess.SubprocessError) as error:
            console.print(f"[yellow]left out: {stream} cannot be had here ({error})[/]")
            continue
        for told, scenario in scenarios(len(cases)).items():
            row = {name: _error(learn, cases, scenario) for name, learn in learners.items()}
            found.setdefault(told, {})[stream] = {name: error for name, (error, _) in row.items()}
            figures = "; ".join(f"{name} {error:.3f} (ECE {ece:.4f})" for name, (error, ece) in row.items())
            console.print(f"{stream}, {told}: {figures}")
    for told, errors in found.items():
        table = Table("(1 - AUC) %", *learners, title=f"labels {told}")
        for stream, row_of in errors.items():
            table.add_row(stream, *(f"{row_of[name]:.3f}" for name in learners))
        judged = ranks(errors)
        table.add_row("mean rank", *(f"{judged[name][0]:.2f}" for name in learners))
        table.add_row("worst, in the best one's", *(f"{judged[name][1]:.2f}: {judged[name][2]}" for name in learners))
        console.print(table)
    return found


def _error(learn: Rival, cases: list[EvaluationCase], scenario: Scenario) -> tuple[float, float]:
    scores, spam = learn(cases, scenario), [bool(case.spam) for case in cases]
    return 100 * (1 - (roc_auc(scores, spam) or 0.0)), calibration_error(scores, spam) or 0.0


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default=Path("../shared/data"))
@click.option("--out", type=click.Path(path_type=Path), help="Where the figures go, as JSON.")
@click.option("--arms", is_flag=True, help="With AROW and replay in the default learner as well.")
def main(data: Path, out: Path | None, arms: bool) -> None:
    """Compare and print."""
    found = run(data, Console(width=160), LEARNERS | ARMED if arms else LEARNERS)
    if out is not None:
        out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
