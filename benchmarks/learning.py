"""What a score and a label cost: the default learner, River's natural pipeline, and Vowpal Wabbit, on the same texts.

And what one hostile moderator in a hundred can do on the simulated day.
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from engine.core.domain.rules import ModelSpec
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.features import Inputs, names_of
from engine.learning.labels import Example
from engine.learning.metrics import recall_at
from engine.learning.models import LearnedModel
from engine.learning.pipelines import read_pipeline
from engine.learning.scorers import ModelScorer
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.offline.recorded import Truth, cases

ROOT = Path(__file__).parents[1]
OUT = Path(__file__).parent / "out"
RIVER = "feature_extraction.TFIDF(on='text') | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3))"
TEXTS = 4_000
TEXT_BYTES = 300
BATCH = 250
WANTED = {"scores_per_s": 25_000, "learns_per_s": 20_000}

_SPEC = ModelSpec("spam", (), ("text",), (), min_labels=1)
_PATIENCE_S = 300


def learning(console: Console, rounds: int = 3) -> dict[str, Any]:
    """The tables, and the summary's part."""
    texts = _texts()
    legs: dict[str, Callable[[], tuple[float, float]]] = {
        "default": lambda: _ours(texts),
        "river": lambda: _river(texts),
        "vowpal_wabbit": lambda: _vowpal(texts),
    }
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, leg in list(legs.items()):
            try:
                found.setdefault(name, []).append(leg())
            except (OSError, subprocess.SubprocessError) as error:
                console.print(f"[yellow]skipped: {name} cannot be had here ({error})[/]")
                del legs[name]
    costs = {
        name: {kind: round(statistics.median(run[at] for run in runs), 2) for at, kind in enumerate(("score", "learn"))}
        for name, runs in found.items()
        if runs
    }
    table = Table("learner", "µs per score", "µs per label", title=f"texts of {TEXT_BYTES} bytes, one core")
    for name, cost in costs.items():
        table.add_row(name, f"{cost['score']:.1f}", f"{cost['learn']:.1f}")
    console.print(table)
    rates = {
        "scores_per_s": round(1e6 / costs["default"]["score"]),
        "learns_per_s": round(1e6 / costs["default"]["learn"]),
    }
    for name, rate in rates.items():
        console.print(f"{name}: {rate:,}, {WANTED[name]:,} wanted")
    return {"learning": {"us": costs, **rates, "hostile": _hostile(console)}}


def _texts() -> list[tuple[str, bool]]:
    draws, made = random.Random(4), []
    words = ["".join(draws.choices("abcdefghijklmnopqrstuvwxyz", k=draws.randrange(3, 11))) for _ in range(5_000)]
    for _ in range(TEXTS):
        spam = draws.random() < 0.3
        text = " ".join(draws.choices(words[:400] if spam else words, k=60))
        made.append((text[:TEXT_BYTES], spam))
    return made


def _ours(texts: Sequence[tuple[str, bool]]) -> tuple[float, float]:
    model, names = LearnedModel("spam"), names_of(_SPEC)
    made = [
        Example("spam", str(at), "spam" if spam else "ham", None, None, names, Inputs((text,), (), ()), (0, at), at)
        for at, (text, spam) in enumerate(texts)
    ]
    started = time.process_time()
    for example in made:
        model.learn(example)
    learned = time.process_time()
    scorer = ModelScorer(_SPEC, model)
    for start in range(0, len(texts), BATCH):
        scorer.prepare([((text,), ()) for text, _ in texts[start : start + BATCH]])
        for place in range(min(BATCH, len(texts) - start)):
            scorer.score(place, start + place, ())
    return _each(time.process_time() - learned), _each(learned - started)


def _river(texts: Sequence[tuple[str, bool]]) -> tuple[float, float]:
    pipeline = read_pipeline(RIVER)
    started = time.process_time()
    for text, spam in texts:
        pipeline.learn_one({"text": text}, spam)
    learned = time.process_time()
    for text, _ in texts:
        pipeline.predict_proba_one({"text": text})
    return _each(time.process_time() - learned), _each(learned - started)


def _vowpal(texts: Sequence[tuple[str, bool]]) -> tuple[float, float]:
    """In an environment of its own. Raises OSError or SubprocessError where it cannot be installed."""
    program = Path(__file__).with_name("vowpal.py")
    told = subprocess.run(
        [str(vowpal_python()), str(program)],
        input=json.dumps(texts),
        check=True,
        timeout=_PATIENCE_S,
        capture_output=True,
        text=True,
    )
    score, learn = json.loads(told.stdout)
    return score, learn


def vowpal_python() -> Path:
    """The interpreter of an environment that has it. Raises OSError or SubprocessError where it cannot be installed."""
    home = OUT / "vowpal"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=_PATIENCE_S)
        install = [str(python), "-m", "pip", "install", "--quiet", "vowpalwabbit"]
        subprocess.run(install, check=True, timeout=_PATIENCE_S, capture_output=True)
    return python


def _each(spent_s: float) -> float:
    return 1e6 * spent_s / TEXTS


def _hostile(console: Console) -> dict[str, Any]:
    """Recall at 1 % false positives of the starter model, clean and with one hostile moderator in a hundred."""
    found = simulated_cases()
    campaigns = sorted({case.campaign for case in found if case.campaign is not None})
    table = Table(
        "labels", "clean", *campaigns, title="recall at 1 % false positives, by the campaign that is shielded"
    )
    summary: dict[str, Any] = {}
    for told, delay, fraction in (("at once, all", 0, 1.0), ("200 events late, a quarter", 200, 0.25)):
        clean = _recall(found, Scenario(delay=delay, fraction=fraction))
        hostile = {
            name: _recall(found, Scenario(delay=delay, fraction=fraction, hostile=0.01, campaign=name))
            for name in campaigns
        }
        table.add_row(told, f"{clean:.3f}", *(f"{recall:.3f}" for recall in hostile.values()))
        summary[told] = {"clean": round(clean, 4), **{name: round(recall, 4) for name, recall in hostile.items()}}
    console.print(table)
    return summary


def simulated_cases() -> list[EvaluationCase]:
    """The simulated day as the starter model would see it, with the truth."""
    day = simulate_day(1)
    truth = {str(one.event["event_id"]): Truth(one.attack is not None, int(str(one.event["ts"]))) for one in day}
    campaigns = {str(one.event["event_id"]): one.attack for one in day}
    lines = (orjson.dumps(one.event) for one in day)
    found = cases(load_rulebook(ROOT / "rules"), "spam", lines, truth, Settings())
    return [replace(case, campaign=campaigns[case.event_id]) for case in found]


def _recall(found: list[EvaluationCase], scenario: Scenario) -> float:
    result = evaluate(found, EvaluatedModel(), scenario)
    return recall_at(result.scores, result.spam, 0.01) or 0.0
