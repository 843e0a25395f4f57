"""Whether a worker gets on: what brokers answer, or do not, held against how far it is."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from engine.errors import WorkerError
from engine.stream.handlers.metrics import Metrics
from engine.stream.worker.health import OUT_OF_TOUCH_S, Backlog, Health

EVENTS, HOPS, RULES = TP("events", 0), TP("hops", 0), TP("rulebooks", 0)


class Worker:
    """A worker's health with brokers that answer as they are told, at a time that is set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        patch.setattr("engine.stream.worker.health.time.monotonic", lambda: self.now_s)
        patch.setattr("engine.stream.worker.health.time.time", lambda: 1e9 + self.now_s)
        self.ends: Mapping[TP, int] = {}
        self.positions: dict[TP, int] = {}
        self.error: Exception | None = None
        self.rebalances = False
        self.metrics = Metrics()
        self.health = Health(self.metrics, self._ends, self._positions)

    async def _ends(self, asked: Iterable[TP]) -> Mapping[TP, int]:
        if self.error is not None:
            raise self.error
        return {tp: self.ends.get(tp, 0) for tp in asked}

    async def _positions(self, asked: Iterable[TP]) -> Mapping[TP, int]:
        if self.rebalances:
            raise RuntimeError("not now")
        return {tp: self.positions[tp] for tp in asked if tp in self.positions}

    def look(self, after_s: float = 2.0) -> None:
        """Once more, at all partitions that have a position."""
        self.now_s += after_s
        asyncio.run(self.health.look(list(self.positions), [RULES]))

    def gauge(self, name: str, tp: TP | None = None) -> float | None:
        labels = {"topic": tp.topic, "partition": str(tp.partition)} if tp is not None else {}
        return self.metrics.registry.get_sample_value(name, labels)

    @property
    def idle_s(self) -> float:
        """How long ago it got on."""
        return 1e9 + self.now_s - (self.gauge("floodgate_last_progress_timestamp_seconds") or 0)


def test_without_an_answer_a_worker_is_out_of_touch_until_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.look()
    answered = worker.gauge("floodgate_last_contact_timestamp_seconds")
    assert answered == 1e9 + worker.now_s
    for error in (KafkaConnectionError("away"), TimeoutError(), WorkerError("not followed any more")):
        worker.error = error
        worker.look(after_s=3)
        assert worker.health.is_in_touch
    worker.look(after_s=OUT_OF_TOUCH_S - 9)
    assert not worker.health.is_in_touch
    assert worker.gauge("floodgate_last_contact_timestamp_seconds") == answered
    worker.error = None
    worker.look()
    assert worker.health.is_in_touch


def test_who_has_no_partition_asks_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.look(after_s=60)
    assert (worker.health.is_in_touch, worker.idle_s) == (True, 0)


def test_a_rebalance_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.positions, worker.rebalances = {EVENTS: 3}, True
    for _ in range(10):
        worker.look()
    assert worker.health.is_in_touch
    assert worker.idle_s == 20


def test_lag_and_seconds_behind_are_those_of_the_partitions_that_it_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.ends, worker.positions = {EVENTS: 10, HOPS: 4}, {EVENTS: 7, HOPS: 4}
    worker.look()
    worker.look(after_s=5)
    assert [worker.gauge("floodgate_lag", tp) for tp in (EVENTS, HOPS)] == [3, 0]
    assert [worker.gauge("floodgate_seconds_behind", tp) for tp in (EVENTS, HOPS)] == [5, 0]
    del worker.positions[EVENTS]
    worker.look()
    assert worker.gauge("floodgate_lag", EVENTS) is None
    assert worker.gauge("floodgate_seconds_behind", EVENTS) is None
    worker.positions[EVENTS] = 9
    worker.look()
    assert worker.gauge("floodgate_seconds_behind", EVENTS) == 0  # seen for the first time again


def test_progress_is_a_step_or_nothing_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.ends, worker.positions = {EVENTS: 10, HOPS: 4}, {EVENTS: 7, HOPS: 4}
    worker.look()
    assert worker.idle_s == 0
    worker.look()
    worker.look()
    assert worker.idle_s == 4
    worker.positions[EVENTS] = 8
    worker.look()
    assert worker.idle_s == 0
    worker.positions[EVENTS] = 10
    worker.look()
    worker.look()
    assert worker.idle_s == 0


def test_seconds_behind_is_the_age_of_the_oldest_undecided_message() -> None:
    backlog = Backlog()
    assert backlog.note(0, 0, 0) == 0
    assert backlog.note(10, 5, 0) == 0  # it came just now
    assert backlog.note(20, 8, 0) == 10
    assert backlog.note(30, 8, 4) == 20  # the last of the first five is left
    assert backlog.note(40, 9, 5) == 20  # what came at 20 is the oldest
    assert backlog.note(50, 9, 8) == 10
    assert backlog.note(60, 9, 9) == 0
    assert backlog.note(70, 9, 9) == 0


def test_a_partition_that_is_behind_for_days_takes_bounded_room() -> None:
    backlog = Backlog()
    for number in range(50_000):
        behind_s = backlog.note(2.0 * number, number + 1, 0)
    assert behind_s == 2.0 * 49_999
    assert len(backlog._notes) <= 1_000
