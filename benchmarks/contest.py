"""The engine and its peers on the same events, one after the other in every round."""

import statistics
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import engine, peers
from benchmarks.engine import Stream, Work, benchmark_rules, labels_for, published, trained
from benchmarks.measure import Cost
from benchmarks.recount import recount
from benchmarks.workload import events

EVENTS = 200_000
_SAMPLE = 2_000


@dataclass(slots=True)
class Leg:
    """One contestant's rounds."""

    what: str
    costs: list[Cost] = field(default_factory=list)
    checks: set[str] = field(default_factory=set)

    def cpu_us(self) -> float:
        """Median of the rounds."""
        return statistics.median(cost.cpu_us_per_event for cost in self.costs)


def contest(console: Console, rounds: int) -> dict[str, Any]:
    """All rounds, as a table and as the summary's part. Raises RuntimeError when the engine's answers are not those
    of the recount."""
    ready = peers.install(console)
    stream = shared_events()
    rulebook = benchmark_rules()
    model = trained(rulebook, stream[:_SAMPLE])
    console.print("working out the answers again …")
    expected = recount([value for _, value in stream], rulebook.models["spam"], model)
    messages = published(model)
    work = Work(rulebook, stream, messages)
    learning = Work(benchmark_rules(learn=True), stream, messages, labels_for(stream))
    legs = {"engine": Leg("this engine"), "engine_learning": Leg("this engine, learning, 5 % labelled")}
    for number in range(1, rounds + 1):
        for name, given in (("engine", work), ("engine_learning", learning)):
            _note(legs[name], *engine.run(given))
        _round_of_peers(console, ready, legs)
        told = {name: round(leg.costs[-1].cpu_us_per_event, 1) for name, leg in legs.items() if leg.costs}
        console.print(f"round {number}: CPU µs per event {told}")
    wrong = (legs["engine"].checks | legs["engine_learning"].checks) - {expected}
    if wrong:
        raise RuntimeError(f"the engine's answers {wrong} are not those of the recount, {expected}")
    legs = {name: leg for name, leg in legs.items() if leg.costs}
    _show(console, legs, expected)
    return _summary(legs, expected)


def shared_events(count: int = EVENTS) -> Stream:
    """The shared events where they are at hand, else events like them."""
    if not peers.EVENTS.exists():
        return list(events(count))
    lines = peers.EVENTS.read_bytes().splitlines()[:count]
    return [(orjson.loads(line)["user_id"].encode(), line) for line in lines]


def _round_of_peers(console: Console, ready: list[peers.Peer], legs: dict[str, Leg]) -> None:
    if not ready:
        return
    with peers.broker():
        for peer in list(ready):
            try:
                _note(legs.setdefault(peer.name, Leg(peer.what)), *peers.measure(peer))
            except Exception as error:
                console.print(f"[yellow]skipped: {peer.name}: it does not run here ({error})[/]")
                ready.remove(peer)


def _note(leg: Leg, cost: Cost, check: str) -> None:
    leg.costs.append(cost)
    leg.checks.add(check)


def _show(console: Console, legs: dict[str, Leg], expected: str) -> None:
    table = Table("", "CPU µs/event", "rounds", "to the engine", "to the limit", "answers", title="the same work")
    base, limit = legs["engine"].cpu_us(), legs["limit"].cpu_us() if "limit" in legs else None
    for name, leg in sorted(legs.items(), key=lambda entry: entry[1].cpu_us()):
        rounds = " ".join(f"{cost.cpu_us_per_event:.1f}" for cost in leg.costs)
        told = ", ".join(leg.checks - {"None"}) + (" = recount" if leg.checks == {expected} else "")
        table.add_row(
            f"{name}: {leg.what}", f"{leg.cpu_us():.1f}", rounds, f"{leg.cpu_us() / base:.2f}",
            f"{leg.cpu_us() / limit:.1f}" if limit else "", told,
        )  # fmt: skip
    console.print(table)
    console.print(
        "The engine counts exactly over sliding windows; its answers equal a recount of the same counters and rules.\n"
        "The peers count in six hops for each window; those that do the whole job agree with each other. Prefixes of\n"
        "the stream and Pathway's unordered batches have sums of their own."
    )


def _summary(legs: dict[str, Leg], expected: str) -> dict[str, Any]:
    cpu = {name: round(leg.cpu_us(), 2) for name, leg in legs.items()}
    return {
        "cpu_us_per_event": cpu,
        "cpu_us_per_event_rounds": {
            name: [round(cost.cpu_us_per_event, 2) for cost in leg.costs] for name, leg in legs.items()
        },
        "wall_us_per_event": {
            name: round(statistics.median(cost.wall_us_per_event for cost in leg.costs), 2)
            for name, leg in legs.items()
        },
        "memory_mb": {
            name: round(max(cost.memory_mb for cost in leg.costs))
            for name, leg in legs.items()
            if name.startswith("engine")  # what the peers tell of theirs includes ours, from which they are started
        },
        "answers": {name: sorted(leg.checks) for name, leg in legs.items()} | {"recount": expected},
        "ratio_to_limit": {name: round(value / cpu["limit"], 2) for name, value in cpu.items()}
        if "limit" in cpu
        else {},
        "ratio_to_engine": {name: round(value / cpu["engine"], 2) for name, value in cpu.items()},
        "learning_over_engine": round(cpu["engine_learning"] / cpu["engine"], 2),
    }
