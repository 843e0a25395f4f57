"""Timers in batches of events and of hops: what a crash repeats, what a change of rules ends, whom it forgets."""

from typing import Any

import orjson
import pytest

from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState, user_record_key
from engine.state.timers import TIMER
from engine.stream.handlers.absences import user_of
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.hop_messages import Tick, encode_request, encode_tick
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.metrics import Metrics
from engine.stream.offline.engine import Record

START_MS, MINUTE_MS = 1_760_000_000_000, 60_000
RULES = """
version: 1
sequences: {left: {after: install, none: open, within: 10m, by: user_id}}
counters:  {left_1h: {count: absent.left, by: user_id, over: 1h}}
rules:     {r: {event: [absent.left], when: [left_1h == 1], then: {flag: unpaid, target: event}}}
"""
OTHER = """
version: 1
counters: {posts: {count: [post, install], by: user_id, over: 1h}}
rules:    {r: {event: post, when: [posts > 3], then: {flag: x}}}
"""


class Partition:
    """One partition, whose outcomes become durable when the test says so."""

    def __init__(self, is_sealed: bool = True) -> None:
        self.settings, self.database, self.metrics = Settings(partitions=1), MemoryDatabase(), Metrics()
        self.is_sealed, self.offset = is_sealed, 0
        self.begin()
        self.use(RULES)

    def begin(self) -> None:
        """As after a crash."""
        self.state = PartitionState(lambda: self.database, 100)
        self.events = EventWorker(self.settings, lambda _: self.state, lambda _: None, self.metrics)
        self.hops = HopWorker(self.settings, lambda _: self.state, self.metrics, 1, is_sealed=lambda _: self.is_sealed)

    def use(self, rules: str) -> None:
        evaluator = Evaluator(load_rulebook({"r.yaml": rules}), {})
        self.events.use(evaluator)
        self.hops.use(evaluator)

    def store(self, outcome: Outcome, count: int | None = None) -> list[str]:
        """Let an outcome be durable, or a part of its changes alone; the events that it acts on."""
        self.database.apply(outcome.changes[:count])
        if count is None:
            outcome.settle()
        actions = [orjson.loads(message.value) for message in outcome.messages if message.topic == "actions"]
        return [action["event_id"] for action in actions]

    def send(self, *sent: tuple[str, str, float]) -> Outcome:
        """Events by type, user and minute."""
        return self.events.process(0, [self._event(*one) for one in sent])

    def _event(self, kind: str, user: str, minute: float) -> Record:
        ts_ms, self.offset = START_MS + round(minute * MINUTE_MS), self.offset + 1
        event = {"event_id": f"{kind}-{user}-{minute}", "type": kind, "user_id": user, "ts": ts_ms}
        return Record("events", 0, self.offset, user.encode(), orjson.dumps(event), ts_ms)

    def tell(self, minute: float, partition: int = 0, arrived_ms: int = 0) -> Outcome:
        self.offset += 1
        ts_ms = START_MS + round(minute * MINUTE_MS)
        tick = encode_tick(Tick(partition, ts_ms))
        return self.hops.process(0, [Record("hops", 0, self.offset, b"", tick, ts_ms + arrived_ms)])

    def timers(self) -> int:
        return sum(key.startswith(TIMER) for key in self.database.values)


def test_what_does_not_come_is_acted_on_when_its_time_and_the_tolerance_are_over() -> None:
    one = Partition()
    assert one.store(one.send(("install", "ann", 0), ("install", "bob", 1), ("open", "bob", 5))) == []
    assert one.store(one.send(("open", "carl", 14))) == []
    assert one.timers() == 2
    assert one.store(one.send(("open", "ann", 14.1), ("open", "carl", 16))) == ["install-ann-0"]
    assert one.timers() == 0


def test_events_that_nobody_asks_about_tell_how_late_it_is() -> None:
    one = Partition()
    one.store(one.send(("other", "carl", 0), ("install", "ann", 0)))
    assert one.store(one.send(("other", "carl", 14))) == []
    assert one.store(one.send(("other", "carl", 14.1))) == ["install-ann-0"]


def test_in_a_batch_they_tell_it_before_the_event_that_follows_them() -> None:
    one = Partition()
    sent = (("install", "ann", 0), ("other", "carl", 14.1), ("open", "ann", 5), ("install", "bob", 1))
    assert one.store(one.send(*sent)) == ["install-ann-0"]


def test_a_partition_without_events_is_told() -> None:
    one = Partition()
    one.store(one.send(("install", "ann", 0)))
    assert one.store(one.tell(14)) == []
    assert one.store(one.tell(14.1)) == ["install-ann-0"]
    assert one.store(one.tell(30)) == []


@pytest.mark.parametrize(
    ("sealed", "partition", "arrived_ms"), [(False, 0, 0), (True, 1, 0), (True, 0, -1)], ids=["seal", "place", "time"]
)
def test_nobody_else_tells_the_time(sealed: bool, partition: int, arrived_ms: int) -> None:
    one = Partition()
    one.store(one.send(("install", "ann", 0)))
    one.is_sealed = sealed
    outcome = one.tell(60, partition, arrived_ms)
    assert one.store(outcome) == []
    assert [message.topic for message in outcome.messages] == ["dead-letters"]


def test_a_batch_that_was_stored_in_part_brings_the_same_about_again() -> None:
    whole = Partition()
    whole.store(whole.send(("install", "ann", 0), ("install", "bob", 0)))
    outcome = whole.send(("post", "carl", 1), ("open", "carl", 20), ("install", "ann", 21))
    for stored in range(len(outcome.changes)):
        one = Partition()
        one.store(one.send(("install", "ann", 0), ("install", "bob", 0)))
        first = one.send(("post", "carl", 1), ("open", "carl", 20), ("install", "ann", 21))
        one.store(first, stored)
        one.begin()
        one.use(RULES)
        one.offset -= 3
        again = one.send(("post", "carl", 1), ("open", "carl", 20), ("install", "ann", 21))
        acted = {"install-ann-0", "install-bob-0"}
        assert set(one.store(first, 0)) | set(one.store(again)) == acted
        whole_now = one.database.values
        assert one.timers() == 1
        assert one.store(one.send(("open", "dora", 40))) == []  # ann's counter has two by then
        assert user_record_key("ann") in whole_now


def test_what_nobody_watched_for_a_while_is_not_certain() -> None:
    one = Partition()
    one.store(one.send(("install", "ann", 0)))
    one.use(OTHER)
    one.store(one.send(("post", "bob", 2)))
    one.use(RULES)
    sent = [("install", "ann", 3), ("install", "bob", 6.9), ("install", "carl", 7), ("open", "dora", 30)]
    assert one.store(one.send(*sent)) == ["install-carl-7"]


def test_who_is_forgotten_is_not_waited_for() -> None:
    one = Partition()
    one.store(one.send(("install", "ann", 0), ("install", "bob", 0)))
    (key,) = [key for key, value in one.database.values.items() if key.startswith(TIMER) and user_of(value) == "ann"]
    request: Any = encode_request(Forget("ann", [key]))
    one.store(one.hops.process(0, [Record("hops", 0, 99, b"ann", request, START_MS)]))
    assert one.timers() == 1
    assert one.store(one.send(("open", "carl", 30))) == ["install-bob-0"]
    assert user_of(b"x") is None
