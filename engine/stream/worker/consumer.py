"""Whole batches of raw records, inside Faust's own consumer.

Faust hands every message through a task, a queue and an acknowledgement of its own, which costs many times what
deciding an event costs. Here its fetch loop is replaced: each topic with a handler gets the records of one partition
as a list, computes them at a stretch, and makes the results durable while the next batch is computed. Groups,
assignment, rebalancing, tables, recovery and the web stay Faust's.

What guards the events, at this entrance:

- Positions. We keep the next offset of each partition, pinned when it is assigned; a batch has to begin there.
- Gaps (`gaps.py`). Records that do not follow are read again.
- Turns (`turns.py`): the partition whose next record came first.
- The watchdog (`watchdog.py`): for what a rebalance dropped, and for a worker that can do nothing any more.

Private seams used (faust-streaming 0.15.3; `tests/unit/stream/worker/test_seams.py` fails when they move):
`_new_consumer_thread`, `_drain_messages`, `_wait_next_records`, `_new_offset`, `_filter_tps_with_pending_acks`,
`wait_empty`, `perform_seek`, `on_partitions_revoked` of the consumer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol

from aiokafka.errors import IllegalStateError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from engine.stream.handlers.batches import BatchHandler
from engine.stream.worker.fencing import raise_if_apart
from engine.stream.worker.host import Host
from engine.stream.worker.label_gate import LabelGate
from engine.stream.worker.membership import Member
from engine.stream.worker.offsets import OffsetConsumer
from engine.stream.worker.persistence import Durability
from engine.stream.worker.recovery import BulkRecovery
from engine.stream.worker.room import Room
from engine.stream.worker.turns import give_way, in_order_of_arrival
from engine.stream.worker.watchdog import Watchdog

_FETCH_TIMEOUT_S = 1.0
_FETCH_TIMEOUT_SOON_S = 0.1


class ConsumersHost(Host, Protocol):
    """The application, to its consumer."""

    @property
    def durability(self) -> Durability: ...
    @property
    def recovery(self) -> BulkRecovery: ...


class BatchConsumer(OffsetConsumer):
    """Faust's consumer with a fetch loop that works on batches."""

    app: ConsumersHost  # type: ignore[assignment]  # Faust's declaration knows nothing of our parts

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gate, self._taking = LabelGate(), False
        most = self.app.settings.max_batches_in_flight * self.app.settings.batch_max_events
        self._room = Room(most, full=self.app.durability.hasten)

    def _new_consumer_thread(self) -> Member:
        return Member(self, loop=self.loop, beacon=self.beacon)

    # -- fetch ------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                self._taking = False
                self._gaps.begin_fetch({tp: await self._position(tp) for tp in self._gaps.suspected})
                records, active = await self._fetch()
                self._taking = True
                if not records or self.should_stop:
                    continue
                await self._take(records, active)
                await asyncio.sleep(0)
        except BaseException as error:
            expected = (*self.consumer_stopped_errors, asyncio.CancelledError)
            if not (isinstance(error, expected) and self.app.should_stop):
                raise

    async def _fetch(self) -> Any:
        """The next records, and the partitions that may be read. In a rebalance no fetch waits long: it does not know
        which may be read by then. Where none may be, Faust would wait for a second (`_wait_next_records`)."""
        if self.flow_active and not self._get_active_partitions():
            await self.sleep(_FETCH_TIMEOUT_SOON_S)
            return {}, None
        is_settled = not self.app.rebalancing
        return await self._wait_next_records(timeout=_FETCH_TIMEOUT_S if is_settled else _FETCH_TIMEOUT_SOON_S)

    async def _take(self, fetched: "Mapping[Any, list[Any]]", active: "set[TP] | None") -> None:
        generation, labels = self.app.consumer_generation_id, self.app.settings.topics.labels
        ready: dict[TP, list[Any]] = {}
        for raw_tp, records in fetched.items():
            if not self._current(generation):
                self.app.recovery.doubt(map(ensure_TP, fetched))
                return  # a rebalance has begun: the positions are pinned anew after it
            tp = ensure_TP(raw_tp)
            if not records or not (active is None or tp in active):
                self.app.recovery.doubt([tp])
                continue
            if tp.topic not in self.app.handlers:
                async with self._fatal_errors():  # damaged files come to light when something is written
                    await self.app.recovery.take(tp, records)
                continue
            ready[tp] = await self.contiguous(tp, records, self._next.get(tp))
        await self._compute_all({tp: records for tp, records in ready.items() if tp.topic != labels}, generation)
        for tp, records in ready.items():
            if records and tp.topic == labels:  # once their events are decided
                await self._compute_all({tp: await self._joinable(tp, records)}, generation)

    async def _compute_all(self, ready: dict[TP, list[Any]], generation: int) -> None:
        goes_on: dict[TP, bool] = {}
        for tp, batch in in_order_of_arrival(ready, self.app.settings.batch_max_events):
            if not goes_on.get(tp, True):
                continue
            if tp in goes_on and self._current(generation) and tp in self._next:
                self._next[tp] = batch[0].offset  # within one fetch the broker itself skips what is not there
            goes_on[tp] = await self._compute(self.app.handlers[tp.topic], tp, batch, generation)

    def _current(self, generation: int) -> bool:
        return self.flow_active and self.app.consumer_generation_id == generation

    async def contiguous(self, tp: TP, records: list[Any], expected: int | None) -> list[Any]:
        """The records from the expected offset on; none when the partition has to be read again."""
        if expected is None:
            return []  # not pinned yet: perform_seek will read these records again
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if not records or (first := records[0].offset) == expected:
            self._gaps.settle(tp)
            return records
        near = max(expected, (await self.earliest_offsets(tp))[tp])  # what lies before is deleted
        if self._gaps.is_real(tp, near, first):
            if tp in self._next:
                self._next[tp] = first
            return records
        self.log.warning("gap in %s: expected offset %s, got %s: reading again", tp, expected, first)
        self.app.metrics.gaps.inc()
        with suppress(IllegalStateError):  # it has just been revoked: whoever owns it pins its own position
            await self.seek_wait({tp: near})
        return []

    async def _joinable(self, labels: TP, records: list[Any]) -> list[Any]:
        """The labels that may be joined now. The others are read again once their events are decided."""
        free, waiting = self._gate.part(labels, records)
        events = TP(self.app.settings.topics.events, labels.partition)
        if not waiting or events not in self._next:
            return records
        until = (await self._thread.highwaters(events))[events]
        if self._next.get(events, until) >= until or labels not in self._next:
            return records
        self._gate.hold(labels, events, until, waiting[-1].offset + 1)
        self.pause_partitions({labels})
        with suppress(IllegalStateError):  # it has just been revoked
            await self.seek_wait({labels: waiting[0].offset})
        return free

    def _release_labels(self, events: TP, reached: int) -> None:
        for labels in self._gate.release(events, reached):
            self.resume_partitions({labels})

    async def _compute(self, handler: BatchHandler, tp: TP, records: Sequence[Any], generation: int) -> bool:
        app = self.app
        if not app.ready_to_decide.is_set():
            await self.wait_first(app.ready_to_decide.wait(), self.suspend_flow.wait())
        await self._room.take(size := self._room.size_of(records))
        fits = self._current(generation) and self._next.get(tp) == records[0].offset
        if not fits or self.should_stop or not app.ready_to_decide.is_set():
            self._room.give(size)
            return False
        started = time.perf_counter()
        async with self._fatal_errors():
            outcome = handler.process(tp.partition, records)
        app.metrics.compute.observe(taken_s := time.perf_counter() - started)
        self._next[tp] = following = records[-1].offset + 1
        self._release_labels(tp, following)
        app.monitor.stream_inbound_time[tp] = time.monotonic()
        app.monitor.messages_received_total += len(records)
        finished = partial(self._finished, tp, following, records[0].timestamp)
        app.durability.begin(tp, outcome, finished, partial(self._room.give, size))
        await give_way(taken_s)
        if outcome.read_from is not None:
            if outcome.before_reading is not None:
                await outcome.before_reading()
            with suppress(IllegalStateError):  # it has just been revoked
                self._next[tp] = max(outcome.read_from, (await self.earliest_offsets(tp))[tp])
                await self.seek_wait({tp: self._next[tp]})
        return outcome.read_from is None

    # -- commit -----------------------------------------------------------------------------------

    def _finished(self, tp: TP, following: int, arrived_ms: int | None) -> None:
        if tp in self._next:
            self._durable[tp] = following
        if arrived_ms is not None:
            self.app.metrics.event_delay.labels(tp.topic).observe(max(0.0, time.time() - arrived_ms / 1_000))

    async def wait_empty(self) -> None:
        """Finish what is under way, then commit. Called when the worker stops."""
        await self.app.durability.drain()
        await super().wait_empty()

    # -- rebalance --------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: "set[TP]") -> None:
        """Finish and commit first: Faust forgets acknowledged offsets before it would commit them (its method of this
        name). aiokafka would only log an error from here, so an error ends the worker."""
        self.stop_flow()
        try:
            async with self._fatal_errors():
                await self.app.durability.drain()
                await self.commit()
                await super().on_partitions_revoked(revoked)
        finally:
            for tp in map(ensure_TP, revoked):
                self._forget(tp)

    @asynccontextmanager
    async def _fatal_errors(self) -> AsyncIterator[None]:
        try:
            yield
        except Exception as error:
            await self.crash(error)
            raise

    def _forget(self, tp: TP) -> None:
        for known in (self._next, self._durable):
            known.pop(tp, None)
        self._gaps.forget(tp)
        self._gate.forget(tp)
        self.app.recovery.begin_again()
        handler = self.app.handlers.get(tp.topic)
        if handler is not None:
            handler.on_revoked(tp.partition)

    async def on_partitions_assigned(self, assigned: "set[TP]", generation_id: int = 0) -> None:
        """Fence those who had these partitions before their state is read: Faust begins recovery from here."""
        async with self._fatal_errors():
            await self.app.durability.own([ensure_TP(tp) for tp in assigned])
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Pin where each partition is read from: the handler's own offset, the committed one, or the first there is.
        aiokafka leaves one without a commit wherever its fetcher stands, which loses a fetch that was dropped."""
        self.app.recovery.raise_if_incomplete()
        raise_if_apart(self.app.settings.topics, map(ensure_TP, self.assignment()))
        await super().perform_seek()
        handled = sorted(tp for tp in map(ensure_TP, self.assignment()) if tp.topic in self.app.handlers)
        positions = {ensure_TP(tp): first for tp, first in (await self.earliest_offsets(*handled)).items()}
        for tp, first in positions.items():
            own = await self.app.handlers[tp.topic].on_assigned(tp.partition)
            start = own if own is not None else self._committed_offset.get(tp)
            if start is not None and start < first:
                self.log.error("%s begins at %s: what lay from %s on was deleted unread", tp, first, start)
            positions[tp] = max(first, start or 0)
        await self.seek_wait(positions)
        self._next.update(positions)
        self._gaps.pin()

    @Service.task
    async def _watch(self) -> None:
        await Watchdog(self).run()

    async def release_behind_markers(self) -> None:
        """Events that end in a transaction's marker are decided, though their last offset never will be."""
        for labels, held in self._gate.held.items():
            reached = await self._position(held.events)
            if self._gate.held.get(labels) == held:
                self._release_labels(held.events, reached)

    async def unread(self) -> dict[TP, tuple[int, int]]:
        """Partitions that the client has read further than what was taken on, while nothing is being taken on: what
        lies between was dropped in a rebalance, or is a transaction's marker. With both offsets."""
        unread = {}
        for tp, following in list(self._next.items()):
            reached = await self._position(tp)
            if reached > following == self._next.get(tp) and not self._taking and tp not in self._gate:
                unread[tp] = (following, reached)
        return unread

    async def read_again(self, tp: TP, following: int, reached: int) -> None:
        """Read again what may have been dropped. After a few times there is nothing but markers."""
        if self._gaps.may_be_read_again(tp, following, reached) and self._next.get(tp) == following:
            with suppress(IllegalStateError):
                await self.seek_wait({tp: following})


class BatchTransport(driver.Transport):
    """Faust's Kafka transport with our consumer."""

    Consumer = BatchConsumer
