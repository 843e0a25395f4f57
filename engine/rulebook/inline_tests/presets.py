"""What counters say, and what is remembered, before a test's first event: `state: {posts_1h: 40, last_country: DE}`."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from engine.core.domain.counters import STATISTICS, Counter
from engine.core.domain.events import Event
from engine.core.domain.kinds import stored_kind
from engine.core.domain.rules import USER, Rulebook
from engine.core.domain.units import duration_ms, size_bytes
from engine.core.kernel import add_count, add_distinct, hash64
from engine.core.series.entity_series import EntitySeries, add_amount
from engine.core.series.sketches import BUCKETS_PER_WINDOW, add_approx_amount, add_approx_distinct
from engine.core.state.entities import MAX_LATENESS_MS, EntityRecord
from engine.rulebook.inline_tests.remembered import have_remembered, wrong_about


def in_numbers(rulebook: Rulebook, state: Any) -> Any:
    """What a test begins with, with sums of durations and sizes (`4GB`) as numbers."""
    if type(state) is not dict:
        return state
    read = {"duration": duration_ms, "size": size_bytes}
    kinds = {name: counter.type for name, counter in rulebook.counters.items() if counter.type in read}
    found = {name: read[kinds[name]](value) for name, value in state.items() if name in kinds and type(value) is str}
    return {**state, **{name: amount for name, amount in found.items() if amount is not None}}


def what_is_wrong(rulebook: Rulebook, state: Any) -> str | None:
    """Why a test cannot begin like that; None when it can."""
    if type(state) is not dict:
        return "`state` maps counters to numbers"
    for name, value in state.items():
        counter, memory = rulebook.counters.get(name), rulebook.memories.get(name)
        if memory is not None:
            wrong = wrong_about(memory, value)
            if wrong is not None:
                return wrong
            continue
        if counter is None:
            return f"there is no counter `{name}`"
        if counter.kind in STATISTICS or counter.having is not None:
            return f"`{name}` needs events to be about: send them with `given`"
        if type(value) not in (int, float) or value < 0 or (counter.kind != "sum" and type(value) is not int):
            return f"`{name}` is {'an amount' if counter.kind == 'sum' else 'a whole number'}, not {value!r}"
        if counter.kind != "sum" and value > counter.cap:
            return f"`{name}` keeps at most {counter.cap} entries"
    for counters in _by_series(rulebook, state):
        values = [state[counter.name] for counter in counters]
        if values != sorted(values):
            names = ", ".join(counter.name for counter in counters)
            return f"{names} count the same in windows that grow, so their numbers do not get smaller"
    return None


def preset(rulebook: Rulebook, state: Mapping[str, Any], event: Event, user: EntityRecord, entities: Any) -> None:
    """Enter what the counters are to say at an event, at its user and at the entities that it names. `entities`: the
    records of those, by entity key."""
    program = rulebook.program(event.type)
    visited = program.routing.entities if program is not None and program.routing is not None else {}

    def records_of(kind: str) -> list[EntityRecord]:
        if kind == USER:
            return [user]
        keys = visited[kind].keys(event.fields) if kind in visited else ()
        return [entities.setdefault((stored_kind(kind), key), EntityRecord()) for key in keys]

    for counters in _by_series(rulebook, state):
        for record in records_of(counters[0].read_at):
            at = max(0, record.relative(event.ts_ms) - 1)
            record.newest = max(record.newest, at)  # something has been counted there
            _enter(record.series, counters, state, at)
    for memory in (rulebook.memories[name] for name in state if name in rulebook.memories):
        for record in records_of(memory.by):
            have_remembered(record.series.registers, memory, state[memory.name], record.relative(event.ts_ms))


def _by_series(rulebook: Rulebook, state: Mapping[str, Any]) -> Iterator[list[Counter]]:
    """The counters of each series that are read at one entity, from the shortest window to the longest."""
    named = sorted(
        (rulebook.counters[name] for name in state if name in rulebook.counters),
        key=lambda counter: (counter.series_key, counter.read_at, counter.over_ms),
    )
    yield from (list(group) for _, group in groupby(named, key=lambda counter: (counter.series_key, counter.read_at)))


def _enter(series: EntitySeries, counters: list[Counter], state: Mapping[str, Any], now: int) -> None:
    """What a longer window has beside the shorter ones lies before these."""
    known, at = 0, now
    for counter in counters:
        more = state[counter.name] - known
        _add(series, counter, at, known, more)
        known, at = state[counter.name], now - counter.over_ms


def _add(series: EntitySeries, counter: Counter, at: int, known: int, more: Any) -> None:
    key, cap, keep_ms = counter.series_key, counter.cap, counter.over_ms + MAX_LATENESS_MS
    values = (hash64(f"before {number}") for number in range(int(known), int(known + more)))
    if counter.kind == "distinct":
        for value in values:
            if counter.approx:
                add_approx_distinct(series.others, key, at, value, cap, counter.over_ms)
            else:
                add_distinct(series.distincts, key, at, value, cap, keep_ms)
    elif counter.approx:
        width_ms = max(1, counter.over_ms // BUCKETS_PER_WINDOW)
        add_approx_amount(series.others, key, at, float(more), width_ms, counter.over_ms + width_ms)
    elif counter.kind == "sum":
        add_amount(series.others, key, at, float(more), cap, keep_ms)
    else:
        for _ in range(int(more)):
            add_count(series.counts, key, at, cap, keep_ms)
