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
import random
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
from engine.stream.kafka.clients import DEFAULT_MESSAGE_BYTES
from engine.stream.kafka.placing import partition_of_key
from engine.stream.kafka.topics import largest_messages
from engine.stream.worker.fencing import Writers
from engine.stream.worker.gathering import Batch, Gathering
from engine.stream.worker.host import Host

_log = structlog.stdlib.get_logger("floodgate")

_RECORD_BYTES = 512
"""What a record takes beside its key and value: lengths, times, headers."""


def _partition_of(key: bytes | None, partitions: tuple[int, ...]) -> int:
    """Where Kafka's clients send a key; without one, anywhere."""
    return partition_of_key(key, partitions) if key is not None else random.choice(partitions)


class _Appended(NamedTuple):
    """Records on their way to a changelog. `future`: of the broker's answer."""

    tp: TP
    records: int
    future: Awaitable[Any]


class Durability:
    """Makes outcomes durable, several at a time, in order for each partition."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._waiting: list[Batch] = []  # while the one before is published
        self._published = Gathering(app.settings.store_linger_ms, self._store_more)
        self._storing: set[int] = set()
        self._is_publishing = self._has_failed = False
        self.writers, self._seals = Writers(app.settings), app.seals
        self._running: set[asyncio.Task[None]] = set()
        self._limits = largest_messages(app.settings)

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
        builders: dict[TP, Any] = {}
        sent: dict[TP, Any] = {}
        now_ms = int(time.time() * 1000)
        partitions: dict[str, tuple[int, ...]] = {}

        async def send(tp: TP) -> None:
            if tp in sent:
                await sent[tp]  # never overtaken by what follows it
            sent[tp] = await self._send(tp, builders.pop(tp))

        for message in messages:
            if self._is_too_large(message):
                continue
            if message.topic not in partitions:
                partitions[message.topic] = tuple(sorted(await self._producer().partitions_for(message.topic)))
            partition = message.partition
            if partition is None:
                partition = _partition_of(message.key, partitions[message.topic])
            tp = TP(message.topic, partition)
            headers, seal = message.headers or [], self._seals.header(message.topic, message.key, message.value)
            if seal is not None:
                headers = [*headers, seal]
            record = {"key": message.key, "value": message.value, "timestamp": now_ms, "headers": headers}
            if tp in builders and builders[tp].append(**record) is not None:
                continue
            if tp in builders:
                await send(tp)
            builders[tp] = await self._batch(tp)
            builders[tp].append(**record)
        for tp in list(builders):
            await send(tp)
        for acknowledgement in sent.values():
            await acknowledgement

    def _is_too_large(self, message: Message) -> bool:
        """Whether the message's topic cannot take it: that is counted, and the batch goes on without it. Else it would
        be tried again for ever."""
        limit = self._limits.get(message.topic, DEFAULT_MESSAGE_BYTES)
        size = len(message.key or b"") + len(message.value) + _RECORD_BYTES
        if size <= limit:
            return False
        self._app.metrics.undeliverable.labels(message.topic).inc()
        _log.error("a message is too large for its topic and is left out", topic=message.topic, bytes=size, limit=limit)
        return True

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

    async def _batch(self, tp: TP) -> Any:
        return (await self.writers.get(tp)).batch() if self._is_fenced(tp) else self._producer().create_batch()

    async def _send(self, tp: TP, batch: Any) -> Any:
        if self._is_fenced(tp):
            return await (await self.writers.get(tp)).begin(batch)
        return await self._producer().send_batch(batch, tp.topic, partition=tp.partition)

    def _is_fenced(self, tp: TP) -> bool:
        return bool(tp.topic == self._app.settings.topics.models)

    async def _append(self, tp: TP, changes: list[Change]) -> _Appended:
        """Begin to append changes in order. A message batch is sent when the broker has the one before it: the
        watermarks stand in the last one, and mean everything before them."""
        writer = await self.writers.get(tp)
        now_ms = int(time.time() * 1000)
        batch = writer.batch()
        for key, value in changes:
            if batch.append(key=key, value=value, timestamp=now_ms) is None:
                await self._acknowledged(_Appended(tp, batch.record_count(), await writer.begin(batch)))
                batch = writer.batch()
                batch.append(key=key, value=value, timestamp=now_ms)
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

    def _producer(self) -> Any:
        faust_producer: Any = self._app.producer
        producer = faust_producer._producer  # aiokafka's own, for its batch builder
        if producer is None:
            raise WorkerError("the producer is not running")
        return producer
