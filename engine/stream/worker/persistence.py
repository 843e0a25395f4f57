"""The order in which a batch becomes durable, and why it loses nothing.

    1. publish its messages (actions, decisions, dead letters) and await the broker
    2. publish its changed state to the changelog and await the broker
    3. write the same state, with the changelog offset, to RocksDB in one atomic batch
    4. let the source offset be committed

Messages come before the changelog: once an event is in the state it is skipped when it is read again,
so its actions must be out by then. Batches publish in their order, each after the broker has all of the one
before: who receives messages of a partition may rely on their order, and one that is missing is never overtaken.
They finish in their order too; any failure stops the worker with everything after it uncommitted, and the next
worker repeats it.

What is computed at a stretch goes out together, and so does what comes while the broker is waited for (group commit):
the messages of all partitions in one round, the changes of all of them in the next, and one write for each partition.
Where much comes, few requests are made for each of its events; where little comes, the consumer lets it gather
(`membership.py`), and what is published gathers again before it is stored (`gathering.py`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

import structlog
from faust.types import TP

from engine.errors import WorkerError
from engine.state.scored import Change
from engine.state.store import write_changes
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.messages import Message
from engine.stream.worker.fencing import Writers
from engine.stream.worker.gathering import Batch, Gathering
from engine.stream.worker.host import Host
from engine.stream.worker.publishing import NO_HEADERS, Publisher, fill

_log = structlog.stdlib.get_logger("floodgate")


class _Appended(NamedTuple):
    """Records on their way to a changelog. `future`: of the broker's answer."""

    tp: TP
    records: int
    future: Awaitable[Any]


class Durability:
    """Makes outcomes durable, several at a time, in order for each partition. `writers`: of what this worker owns."""

    def __init__(self, app: Host, writers: Writers | None = None) -> None:
        self._app = app
        self._waiting: list[Batch] = []  # while the one before is published
        self._published = Gathering(app.settings.store_linger_ms, self._store_more)
        self._storing: set[int] = set()
        self._is_publishing = self._has_failed = False
        self.writers = writers or Writers(app.settings)
        self._publisher = Publisher(app, self.writers)
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, tp: TP, outcome: Outcome, finished: Callable[[], None], release: Callable[[], None]) -> None:
        """Start on an outcome. `finished` when it is durable; `release` then, or when it or one before it failed."""
        if self._has_failed:
            release()
            return
        self._published.relax()
        self._waiting.append(Batch(tp.partition, outcome, finished, release, time.perf_counter()))
        if not self._is_publishing:
            self._is_publishing = True
            self._start(self._publish_waiting())

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def hasten(self) -> None:
        """Somebody waits for what has begun: until more begins, it gathers no longer."""
        self._published.hasten()

    async def drain(self) -> None:
        """Wait until everything that has begun is durable or has failed."""
        while self._running or self._published:
            self.hasten()
            await asyncio.wait(set(self._running))

    async def own(self, partitions: Iterable[TP]) -> None:
        """Fence everyone else from the state of these partitions, before it is read; and from the models, where the
        examples are among them. The state is this worker's then."""
        topics, table, assigned = self._app.settings.topics, self._app.entities, list(partitions)
        own = [tp.partition for tp in assigned if tp.topic == topics.events]
        models = [TP(topics.models, 0) for tp in assigned if tp.topic == topics.examples]
        await self.writers.own([*(TP(table.changelog_topic_name, partition) for partition in own), *models])
        self._app.states.begin(own)

    async def publish_apart(self, messages: list[Message]) -> None:
        """Publish messages that belong to no batch. `drain` waits for them too."""
        await self._start(self.publish(messages))

    async def publish(self, messages: list[Message]) -> None:
        """Publish messages and await the broker's acknowledgement of all of them."""
        await self._publisher.publish(messages)

    async def _publish_waiting(self) -> None:
        """Publish what waits, all of it together, until nothing waits any more."""
        while self._waiting:
            batches, self._waiting = self._waiting, []
            try:
                await self.publish([message for batch in batches for message in batch.outcome.messages])
            except BaseException as error:  # nothing of it may wait for ever, whatever it was
                await self._fail(error, batches)
                raise
            for batch in batches:
                if batch.outcome.followed is not None:
                    batch.outcome.followed.note_published()
            now_ms = time.time() * 1_000
            for ts_ms in (ts_ms for batch in batches for ts_ms in batch.outcome.acted_ms):
                self._app.metrics.action_delay.observe(max(0.0, now_ms - ts_ms) / 1_000)
            self._begin_storing(batches)
        self._is_publishing = False

    def _begin_storing(self, batches: list[Batch]) -> None:
        if not self._has_failed:
            self._published.add(batches)
            return
        for batch in batches:
            batch.release()

    def _store_more(self) -> None:
        """Store what is published of partitions that nothing is stored of yet, all of it together."""
        if ready := self._published.take(self._storing):
            self._storing.update(ready)
            self._start(self._store_ready(ready))

    async def _store_ready(self, ready: Mapping[int, list[Batch]]) -> None:
        batches = list(chain.from_iterable(ready.values()))
        try:
            await self._store({
                partition: [change for batch in group for change in batch.outcome.changes]
                for partition, group in ready.items()
            })  # fmt: skip
            for batch in batches:
                batch.outcome.settle()
                batch.finished()
                if batch.outcome.followed is not None:
                    batch.outcome.followed.note_stored()
        except BaseException as error:  # nothing of it may wait for ever, whatever it was
            await self._fail(error, batches)
            raise
        for batch in batches:
            batch.release()
            self._app.metrics.batches.inc()
            self._app.metrics.persist.observe(time.perf_counter() - batch.started_s)
        self._storing.difference_update(ready)
        if self._published.is_due():
            self._store_more()

    async def _store(self, changes_of: Mapping[int, list[Change]]) -> None:
        """Append the changes of each partition to its changelog, in one round, and write them to its database."""
        table = self._app.entities
        begun = {
            partition: await self._append(TP(table.changelog_topic_name, partition), changes)
            for partition, changes in changes_of.items()
            if changes
        }
        store: Any = table.data
        for partition, appended in begun.items():
            offset = await self._acknowledged(appended)
            write_changes(store._db_for_partition(partition), changes_of[partition], store.offset_key, offset)

    async def _fail(self, error: BaseException, batches: list[Batch]) -> None:
        """End the worker. Neither these batches nor what comes after them goes on."""
        self._has_failed = True
        given_up = [*batches, *self._waiting, *chain.from_iterable(self._published.take().values())]
        self._waiting.clear()
        for batch in given_up:
            batch.release()
        await self._app.consumer.crash(
            error if isinstance(error, Exception) else WorkerError(f"it was cut off: {error!r}")
        )

    async def _append(self, tp: TP, changes: list[Change]) -> _Appended:
        """Begin to append changes in order. A message batch is sent when the broker has the one before it: the
        watermarks stand in the last one, and mean everything before them."""
        writer = await self.writers.get(tp)
        now_ms, taken, batch = int(time.time() * 1000), 0, writer.batch()
        entries = [(key, value, NO_HEADERS) for key, value in changes]
        while (taken := taken + fill(batch, entries[taken:] if taken else entries, now_ms)) < len(entries):
            await self._acknowledged(_Appended(tp, batch.record_count(), await writer.begin(batch)))
            batch = writer.batch()
        return _Appended(tp, batch.record_count(), await writer.begin(batch))

    async def _acknowledged(self, appended: _Appended) -> int:
        """Wait until the broker has it. Returns the offset of the last record."""
        tp, first, expected = appended.tp, (await appended.future).offset, self.writers.next_offset[appended.tp]
        if first != expected:
            # There is one writer. Someone without a fence has written: the local state would have a hole; a restart
            # reads the changelog again.
            raise WorkerError(f"{tp} is at {first}, expected {expected}")
        last: int = first + appended.records - 1
        self.writers.next_offset[tp] = last + 1
        return last
