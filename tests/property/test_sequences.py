"""Sequences against a plain look at all events: what came in which order, and what did not come."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise, product
from typing import Any
from unittest.mock import patch

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.series.counts import add_count, new_counts
from engine.core.series.sequences import Plan, completed
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline import engine as offline
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

MINUTE_MS = 60_000
WITHIN_MS, TOLERANCE_MS = 10 * MINUTE_MS, 2 * MINUTE_MS
RULEBOOK = """
version: 1
sequences:
  taken_over: {steps: [{event: fail, times: 2}, login, payout], within: 10m, by: user_id, without: reset}
  followed:   {steps: [fail, login], within: 10m, by: device_id}
  unopened:   {after: install, none: [open, login], within: 10m, by: user_id}
counters:
  unopened_here: {count: absent.unopened, by: device_id, over: 1h}
rules:
  took_over:    {event: [payout, login, reset], when: [taken_over], then: {limit: payout}, mode: shadow}
  came_back:    {event: [login, open], when: [followed], then: {flag: login}, mode: shadow}
  never_opened: {event: absent.unopened, when: ["known(event.campaign)"], then: {flag: unpaid}, mode: shadow}
  device_never: {event: absent.unopened, when: [unopened_here >= 1], then: {flag: unpaid}, mode: shadow}
"""
COMPILED = load_rulebook({"rules.yaml": RULEBOOK})
Event = dict[str, Any]
TYPES = ["fail", "fail", "fail", "login", "payout", "login", "payout", "reset", "install", "open"]


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, Event]]:
    """Events as they arrive, some late, some early, some twice."""
    arrived_ms, sent = START_MS, list[tuple[int, Event]]()
    for number in range(draw(st.integers(1, 40))):
        arrived_ms += draw(st.sampled_from([0, 1_000, 1_000, MINUTE_MS, MINUTE_MS, 8 * MINUTE_MS]))
        if sent and draw(st.integers(0, 9)) == 0:
            sent.append((arrived_ms, draw(st.sampled_from(sent))[1]))
            continue
        shift_ms = draw(st.sampled_from([0, 0, 0, 1, -1_000, -TOLERANCE_MS, TOLERANCE_MS]))
        event = {
            "event_id": f"e{number}", "user_id": draw(st.sampled_from("aab")), "ts": arrived_ms + shift_ms,
            "type": draw(st.sampled_from(TYPES)),
            "device_id": draw(st.sampled_from("xy")), "campaign": "c",
        }  # fmt: skip
        sent.append((arrived_ms, event))
    # One that is too far from its arrival has the arrival's time: what is sent again would be another event.
    return [*believed((ms, event) for ms, event in sent if abs(ms - event["ts"]) <= TOLERANCE_MS)]


def believed(sent: Iterable[tuple[int, Event]]) -> Iterator[tuple[int, Event]]:
    """Those whose time is believed: of each user, eight that are earlier than the newest (decision 69)."""
    newest_ms, earlier = dict[str, int](), Counter[str]()
    for ms, event in sent:
        user = event["user_id"]
        earlier[user] += event["ts"] < newest_ms.get(user, 0)
        if earlier[user] <= 8:
            newest_ms[user] = max(newest_ms.get(user, 0), event["ts"])
            yield ms, event


def held(sent: Sequence[tuple[int, Event]], batch: int) -> list[tuple[str, str]]:
    """Rule and event of all hits, in order."""
    engine = OfflineEngine(COMPILED, Settings())
    with patch.object(offline, "BATCH", batch):
        engine._batch = batch
        messages = list(engine.run([Arrival("event", ms, orjson.dumps(event), ms) for ms, event in sent]))
    decisions = [orjson.loads(message.value) for message in messages if message.topic == "decisions"]
    return sorted((hit["rule"], decision["event_id"]) for decision in decisions for hit in decision["hits"])


def expected(sent: Sequence[tuple[int, Event]]) -> Iterator[tuple[str, str]]:
    """The same, by looking at all events that have arrived, each once."""
    seen, clock_ms, done = list[Event](), 0, set[str]()
    for _, event in sent:
        clock_ms = max(clock_ms, event["ts"])
        for other in seen:
            due_ms = other["ts"] + WITHIN_MS
            if other["type"] == "install" and other["event_id"] not in done and due_ms < clock_ms - 2 * TOLERANCE_MS:
                done.add(other["event_id"])
                if not any(
                    each["type"] in ("open", "login") and each["user_id"] == other["user_id"]
                    and other["ts"] < each["ts"] <= due_ms
                    for each in seen
                ):  # fmt: skip
                    yield "never_opened", other["event_id"]
                    yield "device_never", other["event_id"]
        if any(event is other for other in seen):
            continue
        seen.append(event)
        window = [other for other in seen if event["ts"] - WITHIN_MS < other["ts"] <= event["ts"]]
        own = [other for other in window if other["user_id"] == event["user_id"]]
        if event["type"] in ("payout", "login", "reset") and in_order(own, ["fail", "fail", "login", "payout"]):
            yield "took_over", event["event_id"]
        there = [other for other in window if other["device_id"] == event["device_id"]]
        if event["type"] in ("login", "open") and in_order(there, ["fail", "login"], without="none"):
            yield "came_back", event["event_id"]


def in_order(events: Sequence[Event], types: Sequence[str], without: str = "reset") -> bool:
    """Whether some of these events are steps in this order, with nothing in between."""
    times = [[event["ts"] for event in events if event["type"] == kind] for kind in types]
    breaks = [event["ts"] for event in events if event["type"] == without]
    if types[:2] == ["fail", "fail"]:
        pairs = [(max(pair), min(pair)) for pair in combinations(times[0], 2)]
        chains = ((first, last, *rest) for (last, first), *rest in product(pairs, *times[2:]))
        chosen = [chain for chain in chains if list(chain[1:]) == sorted(set(chain[1:]))]
    else:
        chosen = [chain for chain in product(*times) if list(chain) == sorted(set(chain))]
    return any(not any(chain[0] <= each <= chain[-1] for each in breaks) for chain in chosen)


@given(arrivals())
@settings(max_examples=150, deadline=None)
def test_sequences_are_what_a_look_at_all_events_says(sent: list[tuple[int, Event]]) -> None:
    assert held(sent, 1) == sorted(expected(sent))


@given(arrivals(), st.integers(2, 40))
@settings(max_examples=75, deadline=None)
def test_absences_do_not_depend_on_batches(sent: list[tuple[int, Event]], batch: int) -> None:
    assert held(sent, batch) == held(sent, 1)


TIMES = st.lists(st.integers(1, 12), max_size=7)


@given(st.lists(TIMES, min_size=2, max_size=3), TIMES, st.lists(st.integers(1, 3), min_size=3, max_size=3))
@settings(max_examples=400, deadline=None)
def test_steps_are_found_where_some_choice_of_entries_has_them(
    steps: list[list[int]], breaks: list[int], many: list[int]
) -> None:
    words = new_counts()
    for key, times in enumerate([breaks, *steps], 1):
        for time in times:
            add_count(words, key, time, 64, 1_000)
    plan = Plan(tuple((key + 2, many[key]) for key in range(len(steps))), 1, 8)
    chosen = product(*(combinations([t for t in times if 2 < t <= 10], many[key]) for key, times in enumerate(steps)))
    assert completed(words, 10, plan) == any(
        all(max(one) < min(other) for one, other in pairwise(chain))
        and not any(min(chain[0]) <= each <= max(chain[-1]) for each in breaks)
        for chain in chosen
    )
