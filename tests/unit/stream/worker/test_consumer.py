"""The entrance: contiguity, chunks, and labels that wait for their events, over a fake Faust."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from engine.settings import Settings
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.metrics import Metrics
from engine.stream.worker import consumer
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.consumer import BatchConsumer
from engine.stream.worker.gaps import Gaps
from engine.stream.worker.label_gate import LabelGate
from engine.stream.worker.room import Room

EVENTS, LABELS, OTHER = TP("events", 0), TP("labels", 0), TP("events", 1)


class Entrance:
    """The consumer's own methods; partitions, broker and handlers are plain data."""

    def __init__(self, batch_max_events: int = 4) -> None:
        self.decided: dict[TP, list[int]] = defaultdict(list)
        self.ends: dict[TP, int] = {}
        self.starts: dict[TP, int] = {}
        self.position_of: dict[TP, int] = {}
        self.paused: set[TP] = set()
        self.doubted: list[TP] = []
        settings = Settings(batch_max_events=batch_max_events)
        self.app = SimpleNamespace(
            settings=settings, metrics=Metrics(), consumer_generation_id=1,
            handlers=dict.fromkeys(("events", "labels"), object()),
            recovery=SimpleNamespace(doubt=self.doubted.extend, take=self._recover),
        )  # fmt: skip
        self.recovered: list[tuple[TP, list[int]]] = []
        self.after_compute: Callable[[], object] = lambda: None
        self.after_highwaters: Callable[[], object] = lambda: None
        self._taking = False
        self.flow_active, self.log = True, SimpleNamespace(warning=lambda *_: None)
        self._next: dict[TP, int] = {EVENTS: 0, LABELS: 0, OTHER: 0}
        self._gaps = Gaps()
        self._gate = LabelGate()
        self._thread = SimpleNamespace(highwaters=self._highwaters)

    async def _recover(self, tp: TP, records: list[Any]) -> None:
        self.recovered.append((tp, [record.offset for record in records]))

    async def _highwaters(self, *tps: TP) -> dict[TP, int]:
        self.after_highwaters()
        return {tp: self.ends[tp] for tp in tps}

    async def _compute(self, _handler: Any, tp: TP, records: list[Any], _generation: int) -> bool:
        if self._next.get(tp) != records[0].offset:
            return False
        self.decided[tp] += [record.offset for record in records]
        self._next[tp] = records[-1].offset + 1
        self._release_labels(tp, self._next[tp])
        self.after_compute()
        return True

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.starts.get(tp, 0) for tp in tps}

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        self.position_of.update(positions)

    def pause_partitions(self, tps: Any) -> None:
        self.paused |= set(tps)

    def resume_partitions(self, tps: Any) -> None:
        self.paused -= set(tps)

    async def _position(self, tp: TP) -> int:
        return self.position_of.get(tp, 0)

    def highwater(self, tp: TP) -> int:
        return self.ends.get(tp, 0)

    @staticmethod
    def records(*offsets: int) -> list[Any]:
        return [SimpleNamespace(offset=offset, timestamp=None, value=b"{}") for offset in offsets]

    _fatal_errors: Any = BatchConsumer._fatal_errors
    _take: Any = BatchConsumer._take
    _compute_all: Any = BatchConsumer._compute_all
    _joinable: Any = BatchConsumer._joinable
    _release_labels: Any = BatchConsumer._release_labels
    _current: Any = BatchConsumer._current
    contiguous: Any = BatchConsumer.contiguous
    unread: Any = BatchConsumer.unread

    def take(self, began: int | None = None, **fetched: list[int]) -> None:
        """A fetch; `began`: where that of the events did, if it is asked."""
        self._gaps.begin_fetch({EVENTS: began} if began is not None and EVENTS in self._gaps.suspected else {})
        names = {"events": EVENTS, "labels": LABELS, "other": OTHER}
        records = {names[name]: self.records(*offsets) for name, offsets in fetched.items()}
        asyncio.run(self._take(records, None))


def test_a_gap_is_read_again_and_accepted_when_the_broker_repeats_it() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 4])
    entrance.take(events=[7, 8])
    assert (entrance.decided[EVENTS], entrance.position_of[EVENTS]) == ([0, 1, 4], 5)
    entrance.take(began=5, events=[5, 6, 7])  # it had been dropped
    entrance.take(events=[10])
    entrance.take(began=8, events=[10])  # it is a real one
    assert entrance.decided[EVENTS] == [0, 1, 4, 5, 6, 7, 10]


def test_a_gap_is_not_accepted_when_what_was_read_again_was_dropped_too() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1])
    entrance.take(events=[4, 5])
    entrance.take(began=4, events=[4, 5])  # from 2 to 4 was fetched, and dropped on the way
    assert entrance.decided[EVENTS] == [0, 1]
    assert entrance.position_of[EVENTS] == 2
    entrance.take(began=2, events=[2, 3, 4, 5])
    assert entrance.decided[EVENTS] == [0, 1, 2, 3, 4, 5]


def test_what_the_broker_has_deleted_is_not_waited_for() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1])
    entrance.starts[EVENTS] = 500
    entrance.take(events=[500, 501])
    assert entrance.decided[EVENTS] == [0, 1, 500, 501]
    entrance.starts[EVENTS] = 600  # and a fetch behind it was dropped
    entrance.take(events=[640])
    assert entrance.position_of[EVENTS] == 600
    entrance.take(began=600, events=[605, 640])
    entrance.take(began=600, events=[605, 640])
    assert entrance.decided[EVENTS] == [0, 1, 500, 501, 605, 640]


def test_a_gap_between_two_chunks_of_one_fetch_loses_nothing() -> None:
    entrance = Entrance(batch_max_events=4)
    entrance.take(events=[0, 1, 2, 3, 5, 6, 7], other=[0, 1])
    assert entrance.decided == {EVENTS: [0, 1, 2, 3, 5, 6, 7], OTHER: [0, 1]}


def test_labels_wait_for_the_events_that_were_there_and_not_for_later_ones() -> None:
    entrance = Entrance()
    entrance.ends[EVENTS] = 5
    entrance.take(labels=[0, 1])
    assert entrance.paused == {LABELS}
    assert entrance.position_of[LABELS] == 0
    entrance.take(events=[0, 1, 2])
    assert entrance.paused == {LABELS}
    entrance.ends[EVENTS] = 1_000  # events never stop coming
    entrance.take(events=[3, 4])
    assert entrance.paused == set()
    entrance.take(labels=[0, 1, 2])
    assert entrance.decided[LABELS] == [0, 1]
    assert entrance.paused == {LABELS}
    assert entrance.position_of[LABELS] == 2


def test_nothing_is_taken_during_a_rebalance() -> None:
    entrance = Entrance()
    entrance.flow_active = False
    entrance.take(events=[0, 1])
    assert entrance.decided == {}


def test_what_was_read_and_not_taken_on_is_told_while_nothing_is_being_taken_on() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 2])
    entrance.position_of = {EVENTS: 5, OTHER: 0}
    assert asyncio.run(entrance.unread()) == {EVENTS: (3, 5)}
    entrance._taking = True
    assert asyncio.run(entrance.unread()) == {}
    entrance._taking = False
    entrance.ends[EVENTS] = 9
    entrance.take(labels=[0])
    entrance.position_of[LABELS] = 4
    assert asyncio.run(entrance.unread()) == {EVENTS: (3, 5)}  # labels wait on purpose
    entrance.position_of[EVENTS] = 3
    assert asyncio.run(entrance.unread()) == {}


def test_only_active_partitions_are_taken_from_a_fetch() -> None:
    entrance = Entrance()
    fetched = {EVENTS: entrance.records(0, 1), OTHER: entrance.records(0), LABELS: []}
    asyncio.run(entrance._take(fetched, {EVENTS, LABELS}))
    assert entrance.decided == {EVENTS: [0, 1]}
    assert entrance.doubted == [OTHER, LABELS]  # what was fetched of them is lost, or there was nothing
    asyncio.run(entrance._take({OTHER: [], EVENTS: entrance.records(2)}, None))
    assert entrance.decided == {EVENTS: [0, 1, 2]}
    assert entrance.doubted[2:] == [OTHER]


def test_what_has_no_handler_goes_to_recovery() -> None:
    entrance = Entrance()
    changelog = TP("changelog", 0)
    asyncio.run(entrance._take({changelog: entrance.records(4, 6), EVENTS: entrance.records(0)}, None))
    assert entrance.recovered == [(changelog, [4, 6])]
    assert entrance.decided == {EVENTS: [0]}


def test_a_fetch_of_an_older_generation_is_dropped() -> None:
    entrance = Entrance()
    assert entrance._current(1)
    assert not entrance._current(0)
    entrance.flow_active = False
    assert not entrance._current(1)
    entrance.take(events=[0], other=[0])
    assert entrance.doubted == [EVENTS, OTHER]


def test_the_first_chunk_has_to_begin_where_the_partition_is() -> None:
    entrance = Entrance()
    entrance._next[EVENTS] = 3
    asyncio.run(entrance._compute_all({EVENTS: entrance.records(5, 6)}, 1))
    assert (entrance.decided, entrance._next[EVENTS]) == ({}, 3)


@pytest.mark.parametrize("lost", ["partition", "generation"])
def test_a_partition_that_is_lost_between_two_chunks_is_not_pinned_again(lost: str) -> None:
    def lose() -> None:
        if lost == "partition":
            del entrance._next[EVENTS]
        else:
            entrance.app.consumer_generation_id += 1
            entrance._next[EVENTS] = 77

    entrance = Entrance(batch_max_events=2)
    entrance.after_compute = lose
    entrance.take(events=[0, 1, 5])
    assert entrance.decided == {EVENTS: [0, 1]}
    assert entrance._next.get(EVENTS) == (None if lost == "partition" else 77)


def test_records_before_the_expected_one_are_left_out() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 2])
    entrance.take(events=[1, 2, 3, 4])
    entrance.take(events=[2, 3, 4])
    assert entrance.decided[EVENTS] == [0, 1, 2, 3, 4]


def test_a_partition_that_is_not_pinned_yet_is_not_taken_on() -> None:
    entrance = Entrance()
    del entrance._next[EVENTS]
    entrance.take(events=[0, 1])
    assert entrance.decided == {}


def test_a_gap_of_a_partition_that_recovery_reads_pins_nothing() -> None:
    entrance = Entrance()
    changelog = TP("changelog", 0)
    entrance.starts[changelog] = 4
    found = asyncio.run(entrance.contiguous(changelog, entrance.records(4, 5), 2))
    assert [record.offset for record in found] == [4, 5]
    assert changelog not in entrance._next


def test_labels_are_taken_on_where_all_events_are_decided() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 2])
    entrance.ends[EVENTS] = 3
    entrance.take(labels=[0, 1])
    assert (entrance.decided[LABELS], entrance.paused) == ([0, 1], set())


def test_labels_whose_events_are_read_elsewhere_do_not_wait() -> None:
    entrance = Entrance()
    del entrance._next[EVENTS]
    entrance.ends[EVENTS] = 9
    entrance.take(labels=[0])
    assert entrance.decided[LABELS] == [0]


def test_labels_that_have_waited_once_do_not_wait_again() -> None:
    entrance = Entrance()
    entrance.ends[EVENTS] = 1
    entrance.take(labels=[0, 1, 2])
    entrance.take(events=[0])
    entrance.ends[EVENTS] = 1_000
    entrance.take(labels=[0, 1, 2])
    assert (entrance.decided[LABELS], entrance.paused) == ([0, 1, 2], set())
    entrance.take(labels=[3])  # the first that was not there when the others began to wait
    assert (entrance.decided[LABELS], entrance.paused) == ([0, 1, 2], {LABELS})


def test_labels_that_are_lost_while_the_broker_is_asked_are_not_held() -> None:
    entrance = Entrance()
    entrance.ends[EVENTS] = 5
    entrance.after_highwaters = lambda: entrance._next.pop(LABELS)
    entrance.take(labels=[0])
    assert (entrance._gate.held, entrance.paused) == ({}, set())


def test_labels_are_let_go_by_the_events_they_wait_for_alone() -> None:
    entrance = Entrance()
    entrance.ends[EVENTS] = 5
    entrance.take(labels=[0])
    entrance.take(other=list(range(9)))  # another partition is further than that
    assert entrance.paused == {LABELS}
    entrance._release_labels(EVENTS, 4)
    assert entrance.paused == {LABELS}
    entrance._release_labels(EVENTS, 5)
    assert entrance.paused == set()


class Handler:
    """What is decided, and what becomes of it."""

    def __init__(self) -> None:
        self.processed: list[list[int]] = []
        self.ended: list[int] = []
        self.own: int | None = None
        self.outcome = Outcome()
        self.during: Callable[[], object] = lambda: None

    async def on_assigned(self, partition: int) -> int | None:
        return self.own

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        self.during()
        self.processed.append([record.offset for record in records])
        return self.outcome

    def on_revoked(self, partition: int) -> None:
        self.ended.append(partition)


class Worker(BatchConsumer):
    """The consumer itself; what Faust and the broker do is plain data."""

    stopping = False

    def __init__(self) -> None:
        self.handler, self.told, self.errors, self.failures = Handler(), list[Any](), list[Any](), list[Exception]()
        self.begun: list[tuple[TP, Any, Any]] = []
        self.resumed: list[set[TP]] = []
        self.sought: dict[Any, int] = {}
        self.starts: dict[Any, int] = {}
        self.reads: dict[TP, int | None] = {}
        self.fetches: list[Any] = []
        self.assigned: set[TP] = {EVENTS}
        self.after_position: Callable[[], object] = lambda: None
        monitor = SimpleNamespace(stream_inbound_time={}, messages_received_total=0)
        ready = asyncio.Event()
        ready.set()
        app: Any = SimpleNamespace(
            settings=Settings(), metrics=Metrics(), consumer_generation_id=1, handlers={"events": self.handler},
            ready_to_decide=ready, monitor=monitor, should_stop=False, rebalancing=False, durability=self,
            recovery=SimpleNamespace(
                begin_again=lambda: self.told.append("recovery"), raise_if_incomplete=lambda: None,
                doubt=lambda _: None, take=self._recover,
            ),
        )  # fmt: skip
        self.app = app
        self._next, self._durable = {EVENTS: 0}, {}
        self._gate, self._gaps = LabelGate(), Gaps()
        self._active_partitions: Any = None
        self._paused_partitions = set()
        self.timeouts_s: list[float] = []
        self.slept_s: list[float] = []
        self._taking, self.flow_active = False, True
        self._room = Room(100, full=self.hasten)
        self.suspend_flow: Any = asyncio.Event()
        self._acked, self._committed_offset = defaultdict(list), {}
        self.log: Any = SimpleNamespace(error=lambda *said: self.errors.append(said))

    def begin(self, tp: TP, outcome: Outcome, finished: Any, release: Any) -> None:
        self.begun.append((tp, finished, release))

    async def _recover(self, tp: TP, _: list[Any]) -> None:
        self.told.append(tp)

    def hasten(self) -> None:
        self.told.append("hastened")
        for _, _, release in self.begun:
            release()

    async def drain(self) -> None:
        self.told.append("drained")

    async def commit(self, *_: Any, **__: Any) -> bool:
        self.told.append("committed")
        return True

    @property
    def should_stop(self) -> bool:
        return self.stopping

    def stop_flow(self) -> None:
        self.flow_active = False

    def resume_partitions(self, partitions: Any) -> None:
        self.resumed.append(partitions)

    async def crash(self, reason: BaseException) -> None:
        assert isinstance(reason, Exception)
        self.failures.append(reason)

    async def wait_first(self, *coros: Any, **_: Any) -> Any:
        for one in coros:
            one.close()

    async def earliest_offsets(self, *tps: Any) -> Any:
        return {tp: self.starts.get(tp, 0) for tp in tps}

    async def seek_wait(self, partitions: Any) -> None:
        self.sought.update(partitions)

    def assignment(self) -> Any:
        return self.assigned

    async def position(self, tp: Any) -> Any:
        self.after_position()
        if tp not in self.reads:
            raise IllegalStateError
        return self.reads[tp]

    def highwater(self, tp: Any) -> int:
        return 0

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  # Faust's
        self.timeouts_s.append(timeout)
        self.told.append(("waiting", self._taking, dict(self._gaps._began)))
        return self.fetches.pop(0)()

    async def sleep(self, n: Any) -> None:
        self.slept_s.append(n)
        self.assigned = {EVENTS}
        self._active_partitions = None

    async def compute(self, *offsets: int, generation: int = 1) -> bool:
        return await self._compute(self.handler, EVENTS, Entrance.records(*offsets), generation)

    def count(self, name: str) -> float:
        return self.app.metrics.registry.get_sample_value(f"floodgate_{name}") or 0.0


def test_a_batch_that_follows_is_computed_and_made_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((10.0, 10.5))
    monkeypatch.setattr(consumer, "time", SimpleNamespace(perf_counter=lambda: next(clock), monotonic=lambda: 7.0))
    worker = Worker()
    assert asyncio.run(worker.compute(0, 1, 5))
    ((tp, finished, _),) = worker.begun
    assert (tp, worker.handler.processed, worker._next[EVENTS], worker._durable) == (EVENTS, [[0, 1, 5]], 6, {})
    finished()
    assert worker._durable == {EVENTS: 6}
    assert worker.app.monitor.messages_received_total == 3
    assert worker.count("batch_compute_seconds_sum") == 0.5
    assert worker.sought == {}


def test_what_becomes_durable_after_its_partition_was_lost_is_not_committed() -> None:
    worker = Worker()
    asyncio.run(worker.compute(0))
    del worker._next[EVENTS]
    worker.begun[0][1]()
    assert worker._durable == {}


def test_a_batch_that_finds_no_room_has_those_before_it_made_durable_at_once() -> None:
    async def compute() -> None:
        await worker.compute(*range(60))
        await worker.compute(*range(60, 100))
        assert worker.told == []
        async with asyncio.timeout(60):
            await worker.compute(100)

    worker = Worker()
    asyncio.run(compute())
    assert (worker.told, worker._next) == (["hastened"], {EVENTS: 101})


@pytest.mark.parametrize("why", ["offset", "generation", "flow", "stopping", "no rulebook"])
def test_a_batch_that_may_not_be_computed_leaves_its_room_to_others(why: str) -> None:
    async def compute() -> bool:
        worker.stopping = why == "stopping"
        worker.flow_active = why != "flow"
        if why == "no rulebook":
            worker.app.ready_to_decide.clear()
        done = await worker.compute(1 if why == "offset" else 0, generation=0 if why == "generation" else 1)
        return done or worker._room._taken != 0

    worker = Worker()
    assert not asyncio.run(compute())
    assert (worker.handler.processed, worker.begun, worker._next) == ([], [], {EVENTS: 0})


def test_a_handler_that_fails_ends_the_worker() -> None:
    worker = Worker()
    worker.handler.during = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        asyncio.run(worker.compute(0))
    assert len(worker.failures) == 1
    assert worker.begun == []


@pytest.mark.parametrize(("first", "begins"), [(0, 2), (2, 2), (3, 3)])
@pytest.mark.parametrize("asks", [False, True])
def test_a_partition_that_has_to_be_read_again_is(first: int, begins: int, asks: bool) -> None:
    async def ask() -> None:
        worker.told.append("asked")

    worker = Worker()
    worker.handler.outcome = Outcome(read_from=2, before_reading=ask if asks else None)
    worker._next[EVENTS], worker.starts[EVENTS] = 4, first
    assert not asyncio.run(worker.compute(4, 5))
    assert (worker._next[EVENTS], worker.sought) == (begins, {EVENTS: begins})
    assert worker.told == (["asked"] if asks else [])


def test_what_is_durable_is_committed_and_the_rest_is_fausts() -> None:
    worker, foreign = Worker(), TP("foreign", 0)
    worker._durable = {EVENTS: 6, LABELS: 2}
    worker._acked = defaultdict(list, {foreign: []})
    for topics, found in (
        (None, [foreign, EVENTS, LABELS]),
        ({"events"}, [EVENTS]),
        ({EVENTS}, [EVENTS]),
        ({OTHER}, []),
        ({LABELS, "foreign"}, [foreign, LABELS]),
    ):
        assert list(worker._filter_tps_with_pending_acks(topics)) == found
    assert (worker._new_offset(EVENTS), worker._new_offset(foreign)) == (6, None)


def test_a_rebalance_finishes_and_commits_before_it_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def revoked(self: Worker, _: set[TP]) -> None:
        self.told.append("revoked")

    monkeypatch.setattr(driver.Consumer, "on_partitions_revoked", revoked)
    worker, foreign = Worker(), TP("foreign", 0)
    worker._durable = {EVENTS: 6}
    asyncio.run(worker.on_partitions_revoked({EVENTS, foreign}))
    assert worker.told == ["drained", "committed", "revoked", "recovery", "recovery"]
    assert (worker._next, worker._durable, worker.flow_active, worker.handler.ended) == ({}, {}, False, [0])


@pytest.mark.parametrize(
    ("own", "committed", "first", "begins", "told"),
    [
        (None, None, 0, 0, False),
        (None, None, 7, 7, False),  # new: nothing was to be read before
        (None, 5, 0, 5, False),
        (None, 5, 5, 5, False),
        (None, 5, 6, 6, True),
        (3, 5, 0, 3, False),
        (0, 5, 0, 0, False),
        (3, 5, 4, 4, True),
    ],
)
def test_a_partition_is_pinned_where_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, own: int | None, committed: int | None, first: int, begins: int, told: bool
) -> None:
    async def seek(_: Worker) -> None:
        """Faust's own."""

    monkeypatch.setattr(driver.Consumer, "perform_seek", seek)
    worker = Worker()
    foreign, labels, hops = TP("changelog", 0), TP("labels", 0), TP("hops", 0)
    worker.assigned = {EVENTS, labels, hops, foreign}
    worker._next = {}
    worker._gaps.is_real(EVENTS, 0, 3)
    worker.handler.own, worker.starts = own, {EVENTS: first}
    worker._committed_offset = {EVENTS: committed}
    asyncio.run(worker.perform_seek())
    assert (worker._next, worker.sought, worker._gaps.suspected) == ({EVENTS: begins}, {EVENTS: begins}, [])
    assert len(worker.errors) == told


@pytest.mark.parametrize(("reached", "free"), [(4, False), (5, True), (6, True)])
def test_labels_are_let_go_by_events_that_end_in_a_marker(reached: int, free: bool) -> None:
    worker = Worker()
    worker._gate.hold(LABELS, EVENTS, 5, 2)
    worker.reads = {EVENTS: reached}
    asyncio.run(worker.release_behind_markers())
    assert (worker.resumed, LABELS in worker._gate) == (([{LABELS}], False) if free else ([], True))


def test_labels_that_began_to_wait_for_more_meanwhile_are_not_let_go() -> None:
    worker = Worker()
    worker._gate.hold(LABELS, EVENTS, 5, 2)
    worker.reads = {EVENTS: 7}
    worker.after_position = lambda: worker._gate.hold(LABELS, EVENTS, 6, 9)
    asyncio.run(worker.release_behind_markers())
    assert (worker._gate.held, worker.resumed) == ({LABELS: (EVENTS, 6, 9)}, [])


def test_a_consumer_that_has_fetched_nothing_yet_takes_nothing_on(tmp_path: Path) -> None:
    async def position(_: TP) -> int:
        return 5

    async def unread() -> dict[TP, tuple[int, int]]:
        consumer: Any = FloodgateApp(Settings(data_dir=str(tmp_path))).consumer
        consumer.position, consumer._next = position, {EVENTS: 3}
        found: dict[TP, tuple[int, int]] = await consumer.unread()
        return found

    assert asyncio.run(unread()) == {EVENTS: (3, 5)}


def test_what_was_taken_on_while_the_client_was_asked_is_not_behind() -> None:
    worker = Worker()
    worker.reads = {EVENTS: 5}
    assert asyncio.run(worker.unread()) == {EVENTS: (0, 5)}
    worker.after_position = lambda: worker._next.update({EVENTS: 5})
    assert asyncio.run(worker.unread()) == {}


@pytest.mark.parametrize(("reads", "reached"), [({EVENTS: 4}, 4), ({EVENTS: None}, 0), ({}, 0)])
def test_a_partition_that_was_revoked_has_been_read_to_nowhere(reads: dict[TP, int | None], reached: int) -> None:
    worker = Worker()
    worker.reads = reads
    assert asyncio.run(worker._position(EVENTS)) == reached


def test_what_may_have_been_dropped_is_read_again_three_times() -> None:
    worker = Worker()

    def again(following: int, reached: int) -> bool:
        worker.sought = {}
        asyncio.run(worker.read_again(EVENTS, following, reached))
        return worker.sought == {EVENTS: following}

    assert [again(0, 5) for _ in range(5)] == [True, True, True, False, False]
    assert [again(0, 6) for _ in range(4)] == [True, True, True, False]  # something else may have been
    assert again(0, 5)
    worker._next[EVENTS] = 5
    assert not again(0, 4)  # it is further by now


def run_loop(worker: Worker, *fetches: Callable[[], Any], fetcher_stops: bool = False) -> None:
    worker.fetches = list(fetches)
    asyncio.run(worker._drain_messages(SimpleNamespace(should_stop=fetcher_stops)))


@pytest.mark.parametrize("who", ["consumer", "fetcher"])
def test_the_fetch_loop_ends_with_the_consumer_or_its_fetcher(who: str) -> None:
    worker = Worker()
    worker.stopping = who == "consumer"
    run_loop(worker, fetcher_stops=who == "fetcher")
    assert worker.told == []


def test_the_fetch_loop_takes_on_what_it_gets_until_it_stops() -> None:
    def stop() -> Any:
        worker.stopping = True
        return {EVENTS: Entrance.records(2), TP("changelog", 0): Entrance.records(0)}, None  # too late

    worker, taking = Worker(), list[bool]()
    worker.handler.during = lambda: taking.append(worker._taking)
    worker._gaps.is_real(OTHER, 4, 9)
    worker.reads = {OTHER: 4}
    run_loop(worker, lambda: ({}, None), lambda: ({EVENTS: Entrance.records(0, 1)}, {EVENTS}), stop)
    assert (worker.handler.processed, taking) == ([[0, 1]], [True])
    assert worker.told == [("waiting", False, {OTHER: 4})] * 3


def stop_at_once(worker: Worker) -> Callable[[], Any]:
    def stop() -> Any:
        worker.stopping = True
        return {}, None

    return stop


@pytest.mark.parametrize(("rebalancing", "timeout_s"), [(False, 1.0), (True, 0.1)])
def test_no_fetch_waits_long_in_a_rebalance(rebalancing: bool, timeout_s: float) -> None:
    worker = Worker()
    app: Any = worker.app
    app.rebalancing = rebalancing
    run_loop(worker, stop_at_once(worker))
    assert (worker.timeouts_s, worker.slept_s) == ([timeout_s], [])


def test_where_no_partition_may_be_read_it_looks_again_soon() -> None:
    worker = Worker()
    worker.assigned = set()
    run_loop(worker, stop_at_once(worker))
    assert (worker.timeouts_s, worker.slept_s) == ([1.0], [0.1])


@pytest.mark.parametrize(
    ("error", "stopping", "told"),
    [
        (ConsumerStoppedError(), True, False),
        (ConsumerStoppedError(), False, True),
        (asyncio.CancelledError(), True, False),
        (ValueError(), True, True),
        (ValueError(), False, True),
    ],
)
def test_only_a_worker_that_stops_may_lose_its_consumer(error: BaseException, stopping: bool, told: bool) -> None:
    def fail() -> Any:
        raise error

    worker = Worker()
    app: Any = worker.app
    app.should_stop = stopping
    if told:
        with pytest.raises(type(error)):
            run_loop(worker, fail)
    else:
        run_loop(worker, fail)
