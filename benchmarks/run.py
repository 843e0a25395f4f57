"""`make bench`: what an event costs, here and elsewhere, and how that grows.

Everything is CPU time, user and system, of all threads and children, compared within one run. Writes
benchmarks/out/summary.json and pictures beside it, after each part, so that an interrupted run leaves something.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.campaign import campaign
from benchmarks.contest import contest
from benchmarks.growth import growth
from benchmarks.learning import learning
from benchmarks.pace import pace
from benchmarks.plots import draw
from benchmarks.scale import scale
from benchmarks.serve import serve_benchmark
from benchmarks.shared_entities.contest import entities_contest
from benchmarks.starter import starter_rules
from benchmarks.state import known_users
from benchmarks.trickle import trickle
from benchmarks.workers import workers
from engine.core.kernel import COMPILED

OUT = Path(__file__).parent / "out"
PARTS = (
    "contest",
    "entities",
    "starter",
    "learning",
    "campaign",
    "growth",
    "users",
    "pace",
    "trickle",
    "serve",
    "workers",
    "scale",
)
_USUAL_COST_US = 25.0


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds of the contests; the medians count.")
@click.option("--growth-rounds", default=1, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Some parts instead of all.")
def main(rounds: int, growth_rounds: int, only: tuple[str, ...]) -> None:
    """Measure, print tables, write a summary and pictures."""
    console = Console()
    console.print(f"the core is {'compiled' if COMPILED else 'pure Python: `make compiled` makes it faster'}")
    summary: dict[str, Any] = {"compiled": COMPILED}
    parts: dict[str, Callable[[], None]] = {
        "contest": lambda: summary.update(contest(console, rounds)),
        "entities": lambda: summary.update({"entities": entities_contest(console, rounds)}),
        "starter": lambda: summary.update({"starter_rules": starter_rules(console, rounds)}),
        "learning": lambda: summary.update(learning(console, rounds)),
        "campaign": lambda: summary.update(campaign(console)),
        "growth": lambda: summary.setdefault("growth", {}).update(growth(console, growth_rounds)),
        "users": lambda: _add_users(summary, known_users(console)),
        "pace": lambda: summary.update(
            pace(console, summary.get("cpu_us_per_event", {}).get("engine", _USUAL_COST_US))
        ),
        "trickle": lambda: summary.update({"trickle": trickle(console)}),
        "serve": lambda: summary.update({"serve": serve_benchmark(console)}),
        "workers": lambda: summary.update({"workers": workers(console, rounds)}),
        "scale": lambda: summary.update({"scale": scale(console)}),
    }
    OUT.mkdir(exist_ok=True)
    for name in only or PARTS:
        started = time.perf_counter()
        console.rule(name)
        parts[name]()
        (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        console.print(f"{name}: {time.perf_counter() - started:.0f} s")
    for path in draw(summary, OUT):
        console.print(f"drawn: {path}")
    console.print(f"written: {OUT / 'summary.json'}")


def _add_users(summary: dict[str, Any], found: dict[str, Any]) -> None:
    summary["known_users"] = found
    costs = {f"{int(count):,}": row["cpu_us_per_event"] for count, row in found["users"].items()}
    summary.setdefault("growth", {})["users"] = costs


if __name__ == "__main__":
    main()
