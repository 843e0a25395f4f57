"""Workload 2: users' counters beside distinct users of devices, addresses and targets; the engine and its peers, one
after the other in every round.

Topics have one partition, so that events meet an entity in one order and one answer is right. Rows with four
partitions show what another order changes, for rules that do not look back.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import engine, peers
from benchmarks.contest import shared_events
from benchmarks.engine import Stream, Work, prepared
from benchmarks.measure import ENDED, Cost, measure_engine
from benchmarks.shared_entities import rivals
from benchmarks.shared_entities.recount import Actions, checksum, recount
from engine.dev.pages import free_port
from engine.rulebook.compiler import load_rulebook

RULES = Path(__file__).parent / "rules"
EVENTS = 200_000
CACHED_ENTITIES = 200_000
"""As many as four partitions have in all, if nobody sets anything."""

_LIMIT = next(peer for peer in peers.PEERS if peer.name == "limit")


class Difference(NamedTuple):
    """How far answers are from the reference. `actions`: events whose rules differ; `missing`, `extra`: how many rules
    do not hold that should, and the other way round."""

    actions: int
    missing: int
    extra: int


@dataclass(slots=True)
class Leg:
    """One contestant's rounds. `checks`: the sums over its answers."""

    what: str
    costs: list[Cost] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    checks: set[str] = field(default_factory=set)

    def cpu_us(self) -> float:
        """Median of the rounds."""
        return statistics.median(cost.cpu_us_per_event for cost in self.costs)


class EntitiesContest:
    """All contestants over the first so many events."""

    def __init__(self, console: Console, events: int) -> None:
        self._console = console
        self._ready = peers.install(console, (_LIMIT, *rivals.rivals(events)))
        self._stream = shared_events(events)
        self._event_ids = [orjson.loads(value)["event_id"] for _, value in self._stream]
        console.print("working out the answers again …")
        self.expected = recount(value for _, value in self._stream)
        self.check = checksum(self.expected)
        self.legs: dict[str, Leg] = {}

    def run_round(self) -> None:
        """Everybody once. Raises RuntimeError when the engine's answers are not those of the recount."""
        self._note("engine", "this engine", *run_engine(self._stream, partitions=1))
        if self.legs["engine"].checks != {self.check}:
            raise RuntimeError(f"the engine's answers {self.legs['engine'].checks} are not the recount's, {self.check}")
        self._note("engine_4", "this engine, four partitions", *run_engine(self._stream, partitions=4))
        for peer in list(self._ready):
            try:
                if peer is _LIMIT:
                    self._try_limit()
                else:
                    cost, actions = rivals.measure(peer, self._stream)
                    self._note(peer.name, peer.what, cost, actions, rivals.answered(peer))
            except Exception as error:
                self._console.print(f"[yellow]skipped: {peer.name}: it does not run here ({error})[/]")
                self._ready.remove(peer)

    def _try_limit(self) -> None:
        with peers.broker():
            cost, _ = peers.measure(_LIMIT)
        self.legs.setdefault(_LIMIT.name, Leg(_LIMIT.what)).costs.append(cost)

    def _note(self, name: str, what: str, cost: Cost, actions: Actions, answered: int | None = None) -> None:
        leg = self.legs.setdefault(name, Leg(what))
        leg.costs.append(cost)
        leg.checks.add(checksum(actions))
        leg.differences.append(difference(actions, self.expected, self._event_ids[:answered]))


def run_engine(stream: Stream, partitions: int) -> tuple[Cost, Actions]:
    """What a worker takes until all events are decided, and what it decided."""
    cached = CACHED_ENTITIES // partitions
    with prepared(Work(load_rulebook(RULES), stream), partitions, cached_entities=cached) as settings:
        cost = measure_engine(settings, len(stream), free_port(), ENDED)  # each of them goes to entities
        return cost, {event_id: tuple(rules) for event_id, rules in engine.hits(settings)}


def difference(actions: Actions, expected: Actions, event_ids: Sequence[str]) -> Difference:
    """How far the answers to these events are from the reference."""
    pairs = [(set(actions.get(event_id, ())), set(expected.get(event_id, ()))) for event_id in event_ids]
    return Difference(
        actions=sum(own != right for own, right in pairs),
        missing=sum(len(right - own) for own, right in pairs),
        extra=sum(len(own - right) for own, right in pairs),
    )


def entities_contest(console: Console, rounds: int, events: int = EVENTS) -> dict[str, Any]:
    """All rounds, as a table and as the summary's part."""
    contest = EntitiesContest(console, events)
    for number in range(1, rounds + 1):
        contest.run_round()
        costs = {name: round(leg.costs[-1].cpu_us_per_event, 1) for name, leg in contest.legs.items() if leg.costs}
        console.print(f"round {number}: CPU µs per event {costs}")
    _show(console, contest, events)
    return _summary(contest)


def _show(console: Console, contest: EntitiesContest, events: int) -> None:
    title = f"over shared entities: {events:,} events, {len(contest.expected):,} of them acted on ({contest.check})"
    columns = ("CPU µs/event", "rounds", "to the engine", "to the limit", "actions that differ", "rules -/+")
    table = Table("", *columns, title=title)
    ratio = _ratios(contest.legs)
    for name, leg in sorted(contest.legs.items(), key=lambda entry: entry[1].cpu_us()):
        rounds = " ".join(f"{cost.cpu_us_per_event:.1f}" for cost in leg.costs)
        differ = " ".join(str(one.actions) for one in sorted(set(leg.differences)))
        table.add_row(
            f"{name}: {leg.what}", f"{leg.cpu_us():.1f}", rounds, f"{ratio('engine')[name]:.2f}",
            f"{ratio('limit')[name]:.1f}" if "limit" in contest.legs else "",
            differ + (" = recount" if leg.checks == {contest.check} else ""),
            " ".join(f"-{one.missing}/+{one.extra}" for one in sorted(set(leg.differences))),
        )  # fmt: skip
    console.print(table)
    console.print(
        "The engine counts exactly over sliding windows. The peers count in six hops for each window, so they count\n"
        "late events with younger ones. With four partitions events meet an entity in another order."
    )


def _ratios(legs: dict[str, Leg]) -> Callable[[str], dict[str, float]]:
    return lambda base: {name: round(leg.cpu_us() / legs[base].cpu_us(), 2) for name, leg in legs.items()}


def _summary(contest: EntitiesContest) -> dict[str, Any]:
    legs, ratio = contest.legs, _ratios(contest.legs)
    return {
        "cpu_us_per_event": {name: round(leg.cpu_us(), 2) for name, leg in legs.items()},
        "cpu_us_per_event_rounds": {
            name: [round(cost.cpu_us_per_event, 2) for cost in leg.costs] for name, leg in legs.items()
        },
        "wall_us_per_event": {
            name: round(statistics.median(cost.wall_us_per_event for cost in leg.costs), 2)
            for name, leg in legs.items()
        },
        "acted_on": len(contest.expected),
        "answers": {name: sorted(leg.checks) for name, leg in legs.items() if leg.checks} | {"recount": contest.check},
        "differences": {
            name: [one._asdict() for one in leg.differences] for name, leg in legs.items() if leg.differences
        },
        "ratio_to_limit": ratio("limit") if "limit" in legs else {},
        "ratio_to_engine": ratio("engine"),
    }
