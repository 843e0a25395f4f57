"""Who buys again within 90 days: outcomes of the engine, held against a recount, and its model beside others.

    python -m benchmarks.outcomes --data ../shared/data/cdnow

All are progressive: a purchase is scored with what was known at its time, and its outcome is learned when it becomes
known, yes when the next purchase comes and no after 90 days. Beside ours: a logistic regression of River's over
recency, frequency and amounts, and BG/NBD (Fader, Hardie and Lee 2005), fitted anew every 30 days by the package
`lifetimes` in an environment of its own. A rival that cannot be had here is left out, loudly.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from river import linear_model, preprocessing

from engine.cli.recordings import read_lines
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.labels import Example
from engine.learning.metrics import calibration_error, log_loss, roc_auc
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.decided import outcome_cases

OUT = Path(__file__).parent / "out"
DAY_MS = 86_400_000
WITHIN_MS = 90 * DAY_MS
RULES = """
version: 1
fields: {amount: number, items: number}
values:
  since_last:  {age: last, of: purchase, by: user_id, keep: 400d}
  since_first: {age: first, of: purchase, by: user_id, keep: 400d}
outcomes:
  again: {after: purchase, is: purchase, by: user_id, within: 90d}
counters:
  bought_7d:  {count: purchase, by: user_id, over: 7d}
  bought_30d: {count: purchase, by: user_id, over: 30d}
  spent_30d:  {sum: amount, of: purchase, by: user_id, over: 30d}
models:
  again:
    outcome: again
    presume: 1
    numbers: [bought_7d, bought_30d, spent_30d, since_last, since_first, amount, items]
"""
LIFETIMES = "lifetimes==0.11.3"
_PATIENCE_S = 1_800


class RecencyFrequency:
    """A logistic regression over what is usual for this: how long ago, how often, since when, how much."""

    def __init__(self, features: dict[str, dict[str, float]]) -> None:
        self._features = features
        self._model = preprocessing.StandardScaler() | linear_model.LogisticRegression()

    def score(self, case: EvaluationCase) -> float:
        """The probability of another purchase."""
        return float(self._model.predict_proba_one(self._features[case.event_id]).get(True, 0.5))

    def learn(self, example: Example) -> None:
        """One outcome."""
        self._model.learn_one(self._features[example.event_id], example.verdict == "spam")


def purchases(data: Path) -> list[dict[str, Any]]:
    """The recorded purchases in their order."""
    return [json.loads(line) for line in read_lines(data / "events.jsonl.gz")]


def recount(bought: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Whether each was followed by another of its user within the time, by looking at all of them; those alone whose
    time is over by the last one."""
    times: dict[str, list[int]] = {}
    for one in bought:
        times.setdefault(one["user_id"], []).append(one["ts"])
    last_ms = max(one["ts"] for one in bought)
    return {
        one["event_id"]: any(one["ts"] < ts <= one["ts"] + WITHIN_MS for ts in times[one["user_id"]])
        for one in bought
        if one["ts"] + WITHIN_MS <= last_ms
    }


def decided(data: Path) -> list[EvaluationCase]:
    """What the engine makes of them: scored purchases with what has come of them."""
    rulebook = load_rulebook({"outcomes.yaml": RULES})
    return outcome_cases(rulebook, rulebook.models["again"], read_lines(data / "events.jsonl.gz"), Settings())


def histories(bought: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Of each purchase, what was known of its user then: `repeats` and days."""
    first, last, many = dict[str, int](), dict[str, int](), dict[str, int]()
    for one in bought:
        user, ts = one["user_id"], one["ts"]
        first.setdefault(user, ts)
        repeats, before = many.get(user, -1) + 1, last.get(user, ts)
        yield (
            one["event_id"],
            {
                "repeats": float(repeats), "days": (ts - first[user]) / DAY_MS, "gap": (ts - before) / DAY_MS,
                "amount": float(one["amount"]), "items": float(one["items"]),
            },
        )  # fmt: skip
        many[user], last[user] = repeats, ts


def bg_nbd(bought: Sequence[dict[str, Any]]) -> list[float]:
    """The scores of BG/NBD. Raises OSError or SubprocessError where the package cannot be installed or run."""
    home = OUT / "lifetimes"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=_PATIENCE_S)
        install = [str(python), "-m", "pip", "install", "--quiet", LIFETIMES]
        subprocess.run(install, check=True, timeout=_PATIENCE_S, capture_output=True)
    told = subprocess.run(
        [str(python), str(Path(__file__).with_name("lifetimes_steps.py"))],
        input=json.dumps([[one["user_id"], one["ts"] / DAY_MS] for one in bought]),
        check=True, timeout=_PATIENCE_S, capture_output=True, text=True,
    )  # fmt: skip
    scores: list[float] = json.loads(told.stdout)
    return scores


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Purchases, events.jsonl.gz.")
def main(data: Path) -> None:
    """Print a table, and write it as JSON."""
    console, bought = Console(), purchases(data)
    truth, cases = recount(bought), decided(data)
    said = {case.event_id: bool(case.spam) for case in cases if case.counts and case.spam is not None}
    wrong = sum(said.get(event) is not answer for event, answer in truth.items()) + len(said.keys() - truth.keys())
    yes = sum(said.values())
    console.print(f"{len(said):,} outcomes are decided, {yes / len(said):.1%} of them yes, {wrong} wrong")
    scores: dict[str, list[float]] = {}
    for name, presume in (("ours, presume: 1", 1.0), ("ours, as they come", 0.0)):
        scores[name] = evaluate(cases, EvaluatedModel(), Scenario(presume=presume)).all_scores
    features = dict(histories(bought))
    for name, presume in (("River, presume: 1", 1.0), ("River, as they come", 0.0)):
        scores[name] = evaluate(cases, RecencyFrequency(features), Scenario(presume=presume)).all_scores
    try:
        scores["BG/NBD, fitted every 30 days"] = bg_nbd(bought)
    except (OSError, subprocess.SubprocessError) as error:
        console.print(f"[yellow]BG/NBD is left out: {LIFETIMES} cannot be had here: {error}")
    figures = {name: _figures(cases, said, own) for name, own in scores.items()}
    console.print(_table(figures))
    OUT.mkdir(parents=True, exist_ok=True)
    summary = {"decided": len(said), "yes": yes, "wrong": wrong, "models": figures}
    (OUT / "outcomes.json").write_text(json.dumps(summary, indent=2))
    sys.exit(1 if wrong else 0)


def _figures(
    cases: Sequence[EvaluationCase], said: dict[str, bool], scores: Sequence[float]
) -> dict[str, float | None]:
    """Of all that is decided, and of what came after 180 days, when outcomes of both kinds were known."""
    settled_ms = cases[0].ts_ms + 2 * WITHIN_MS
    pairs = [
        (case.ts_ms, score, said[case.event_id])
        for case, score in zip(cases, scores, strict=True)
        if case.event_id in said
    ]
    figures: dict[str, float | None] = {}
    for part, from_ms in (("", 0), (", settled", settled_ms)):
        own = [(score, answer) for ts_ms, score, answer in pairs if ts_ms >= from_ms]
        given, answers = [score for score, _ in own], [answer for _, answer in own]
        figures[f"auc{part}"] = roc_auc(given, answers)
        figures[f"ece{part}"] = calibration_error(given, answers)
        figures[f"log loss{part}"] = log_loss(given, answers)
    return figures


def _table(figures: dict[str, dict[str, float | None]]) -> Table:
    names = list(next(iter(figures.values())))
    table = Table("", *names, title="buys again within 90 days")
    for model, own in figures.items():
        table.add_row(model, *("-" if own[name] is None else f"{own[name]:.4f}" for name in names))
    return table


if __name__ == "__main__":
    main()
