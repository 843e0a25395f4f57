"""Labels that take their time, where only spam gets one: when is what has none presumed to be ham?

    python -m benchmarks.delays --data ../shared/data

Clicks that become installs are generated. It is known at once which do (the oracle), or each is presumed not to: at
once, or when a label would have come, as that is learned. How long an install takes depends on nothing, or on the
device; or it takes long, or is frequent. Beside them the mails and comments of the project, with labels of spam that
come about 300 events late, and who buys again. An event is always scored before anything is known of it.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import fmean

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.arms import Boosted
from benchmarks.late_labels import read_cases
from benchmarks.learning import OUT
from benchmarks.outcomes import decided
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.features import Inputs, Names
from engine.learning.metrics import calibration_error, log_loss, roc_auc

HOUR_MS = 3_600_000
CLICKS, DAYS = 25_000, 5
SEEDS = (1, 2, 3)
LATE = 300
"""Labels of spam come about so many events late."""
SPREAD = 1.3
"""The standard deviation of the logarithm of a delay."""
_NAMES = Names((), ("app", "channel", "device", "system", "ip"), ("clicks",))
_SHAPES = ((80, 1.5), (50, 1.2), (5, 0.7), (15, 0.4), (4_000, 0.8))
"""How many apps, channels, devices, systems and addresses there are, and how much they differ, in logits."""

SCENARIOS = {
    "known at once": Scenario(delay=0),
    "presume: 1": Scenario(presume=1.0),
    "and presume_after: learned": Scenario(presume=1.0, awaits=True),
}
ARMED: dict[str, tuple[Scenario, Callable[[], EvaluatedModel]]] = {
    f"{said}, spam four times": (SCENARIOS[said], partial(Boosted, 4.0))
    for said in ("known at once", "and presume_after: learned")
}
"""Beside them, where that is asked for."""
FIGURES: dict[str, Callable[[Sequence[float], Sequence[bool]], float | None]] = {
    "auc": roc_auc, "ece": calibration_error, "log loss": log_loss,
}  # fmt: skip


def clicks(seed: int, base: float = -5.2, median_h: float = 2.0, by_device: bool = False) -> list[EvaluationCase]:
    """Clicks of some days, half of whose apps come later than the first; which become installs, and when."""
    draws, numbers = random.Random(seed), np.random.default_rng(seed)
    effects = [numbers.normal(0, spread, count) for count, spread in _SHAPES]
    apps = _SHAPES[0][0]
    begins = [0.0 if app < apps // 2 else draws.random() for app in range(apps)]
    popular = numbers.permutation(1 / np.arange(1, apps + 1) ** 0.8)
    cases, seen = [], dict[int, int]()
    for at in range(CLICKS):
        part = at / CLICKS
        if at % 200 == 0:  # an app has four times as many clicks in its first tenth
            loud = [0.0 if part < begin else 4.0 if 0 < begin > part - 0.1 else 1.0 for begin in begins]
            sums = np.cumsum(popular * np.array(loud))
        app = int(np.searchsorted(sums, draws.random() * sums[-1]))
        channel = (app * 7 + int(draws.random() ** 2 * _SHAPES[1][0])) % _SHAPES[1][0]
        device, system, ip = (
            int(draws.random() ** power * _SHAPES[kind][0]) for kind, power in ((2, 2), (3, 1), (4, 3))
        )
        values = (app, channel, device, system, ip)
        logit = base + sum(effect[value] for effect, value in zip(effects, values, strict=True))
        seen[ip] = seen.get(ip, 0) + 1
        median = median_h * (0.15 if device % 2 == 0 else 4.0) if by_device else median_h
        delay_ms = int(min(72.0, exp(draws.gauss(log(median), SPREAD))) * HOUR_MS)
        ts_ms = int(part * DAYS * 24 * HOUR_MS)
        inputs = Inputs((), tuple(map(str, values)), (float(seen[ip]),))
        installs = draws.random() < 1 / (1 + exp(-logit))
        cases.append(EvaluationCase(f"c{at}", ts_ms, _NAMES, inputs, installs, ts_ms + delay_ms))
    return cases


def reported(cases: Sequence[EvaluationCase], seed: int) -> list[EvaluationCase]:
    """The same, whose labels of spam take about as long as `LATE` events."""
    draws = random.Random(seed)
    median_ms = max(1, LATE * (cases[-1].ts_ms - cases[0].ts_ms) // len(cases))
    delays = (int(exp(draws.gauss(log(median_ms), SPREAD))) for _ in cases)
    return [replace(case, known_ms=case.ts_ms + delay_ms) for case, delay_ms in zip(cases, delays, strict=True)]


def streams(data: Path) -> Iterator[tuple[str, Callable[[int], list[EvaluationCase]]]]:
    """Names, and what makes the events of each for a seed."""
    yield "clicks, delays alike", clicks
    yield "clicks, delays by device", partial(clicks, by_device=True)
    yield "clicks, delays of 12 minutes", partial(clicks, median_h=0.2)
    yield "clicks, delays of 10 hours", partial(clicks, median_h=10.0)
    yield "clicks, one in nine installs", partial(clicks, base=-3.2)
    for name in ("spamassassin", "youtube"):
        yield name, partial(_late, read_cases(data / name))
    bought = decided(data / "cdnow")
    yield "buys again", lambda _: bought


def _late(cases: Sequence[EvaluationCase], seed: int) -> list[EvaluationCase]:
    return reported(cases, seed)


def figures(
    cases: Sequence[EvaluationCase], scenario: Scenario, learner: Callable[[], EvaluatedModel] = EvaluatedModel
) -> dict[str, float]:
    """How good the scores are, over all, and of the second half."""
    shown = cases
    if scenario.presume:  # ham gets no label
        shown = [case if case.spam else replace(case, propensity=0.0) for case in cases]
    result = evaluate(shown, learner(), scenario, targets=())
    half = len(result.scores) // 2
    parts = (("", slice(None)), (", late", slice(half, None)))
    return {
        f"{name}{part}": figure(result.scores[those], result.spam[those]) or 0.0
        for part, those in parts
        for name, figure in FIGURES.items()
    }


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="The project's streams.")
@click.option("--only", help="Streams whose names begin so.", default="")
@click.option("--arms", is_flag=True, help="Labels of spam that count four times as well.")
def main(data: Path, only: str, arms: bool) -> None:
    """Print a table, and write it as JSON."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    told: dict[str, tuple[Scenario, Callable[[], EvaluatedModel]]] = {
        said: (scenario, EvaluatedModel) for said, scenario in SCENARIOS.items()
    }
    table = Table("stream", "", *FIGURES, *(f"{name}, late" for name in FIGURES), title="labels that take their time")
    for name, make in streams(data):
        if not name.startswith(only):
            continue
        drawn = [make(seed) for seed in (SEEDS if name != "buys again" else SEEDS[:1])]
        for said, (scenario, learner) in (told | ARMED if arms else told).items():
            each = [figures(cases, scenario, learner) for cases in drawn]
            means = {figure: fmean(one[figure] for one in each) for figure in each[0]}
            found.setdefault(name, {})[said] = means
            table.add_row(name, said, *(f"{value:.4f}" for value in means.values()))
    Console().print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "delays.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
