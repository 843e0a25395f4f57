"""What an event costs under the rules that the project ships: a simulated day, by one worker, beside what reading and
parsing alone costs."""

import statistics
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.engine import Stream, Work, prepared
from benchmarks.measure import measure_engine
from engine.dev.pages import free_port
from engine.rulebook.compiler import load_rulebook
from engine.sim.world import simulate_day

RULES = Path(__file__).parents[1] / "rules"
_LIMIT = [peer for peer in peers.PEERS if peer.name == "limit"]


def starter_rules(console: Console, rounds: int) -> dict[str, Any]:
    """CPU µs per event of the engine and of the limit, which is left out where it cannot be had; medians."""
    limit = peers.install(console, _LIMIT)
    work = starter_work()
    found: dict[str, list[float]] = {"engine": []}
    for number in range(1, rounds + 1):
        with prepared(work) as settings:
            cost = measure_engine(settings, len(work.stream), free_port(), until_nothing_waits=True)
        found["engine"].append(cost.cpu_us_per_event)
        if limit:
            with peers.broker():
                found.setdefault("limit", []).append(peers.measure(limit[0])[0].cpu_us_per_event)
        told = {name: round(costs[-1], 1) for name, costs in found.items()}
        console.print(f"round {number}: CPU µs per event {told}")
    medians = {name: round(statistics.median(costs), 2) for name, costs in found.items()}
    table = Table(
        "starter rules, a simulated day", "CPU µs/event", "to the limit", title=f"{len(work.stream):,} events"
    )
    for name, cost_us in medians.items():
        table.add_row(name, f"{cost_us:.1f}", f"{cost_us / medians['limit']:.1f}" if limit else "")
    console.print(table)
    return medians


def starter_work() -> Work:
    """The starter rules and a simulated day."""
    return Work(load_rulebook(RULES), _day())


def _day() -> Stream:
    return [(str(one.event["user_id"]).encode(), orjson.dumps(one.event)) for one in simulate_day()]
