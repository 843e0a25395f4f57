"""One writer for each partition of state, which the broker enforces.

A worker that stood still for longer than the session timeout does not know that its partitions are someone else's.
Whatever it still sends must not become the newest state. So each partition of the changelog, and the models topic, is
written by a producer of its own, under a transactional id of its own. Kafka gives the id's next owner a higher epoch,
and a partition that has seen it refuses the lower one (KIP-98): the new owner writes a marker before it reads the
state, and from then on the old one's writes fail, however late they come, and end it.

No transaction is ever begun: a batch is durable when the broker has it. aiokafka (0.14, `TransactionManager` in
producer/transaction_manager.py) asks for the epoch of a transactional id when a producer starts; that is all such a
producer is for. What is written goes through one producer for all partitions, each batch under its own partition's
epoch and numbers, so that the changes of many partitions are one request. The broker keeps repeated batches once.

Private seams used (`tests/unit/stream/worker/test_seams.py` fails when they move): `_txn_manager` of a producer and of
its sender, and `_set_producer_state` of a batch.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from faust.types import TP

from engine.errors import BrokerError, WorkerError
from engine.settings import Settings, TopicNames
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES, async_options

OWNER = b"@owner"
"""Key of the marker, a tombstone: it says nothing but its epoch."""
MAX_BATCH_BYTES = 900_000
_RENEWED_AFTER_S = 86_400.0
"""Kafka forgets a transactional id that begins no transaction for a week (`transactional.id.expiration.ms`)."""
_NUMBERS = 1 << 31
"""A record's number within its epoch has 31 bits, and begins anew after the last."""


class _Numbered:
    """What aiokafka's sender is told of the batches that it is given: they have their epochs and numbers, so it may
    repeat each until the broker has it (producer/sender.py, `_can_retry`), and there is nothing to ask for before."""

    transactional_id = None

    @staticmethod
    def has_pid() -> bool:
        """Nothing has to be asked for."""
        return True

    @staticmethod
    def fatal_error(error: BaseException) -> None:
        """The batches have been told."""


class Client:
    """The producer that all writers of a worker share."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._producer: Any = None
        self._opening = asyncio.Lock()

    async def open(self) -> Any:
        """The producer; it is started when it is first asked for."""
        async with self._opening:
            if self._producer is None:
                producer: Any = AIOKafkaProducer(
                    acks="all", max_batch_size=MAX_BATCH_BYTES, max_request_size=MAX_MESSAGE_BYTES, **self._options
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                producer._sender._txn_manager = _Numbered()
                self._producer = producer
            return self._producer

    async def epoch(self, transactional_id: str) -> tuple[int, int]:
        """A producer's id and a new epoch of it: who had one under this transactional id is fenced."""
        producer: Any = AIOKafkaProducer(transactional_id=transactional_id, **self._options)
        try:
            await producer.start()
            return producer._txn_manager.producer_id, producer._txn_manager.producer_epoch
        finally:
            await producer.stop()

    async def give_up_transaction(self, transactional_id: str, tp: TP) -> None:
        """Begin a transaction in which nothing is written to a partition, and give it up: what is there then is a
        marker that no consumer is shown."""
        producer: Any = AIOKafkaProducer(transactional_id=transactional_id, **self._options)
        try:
            await producer.start()
            await producer.begin_transaction()
            producer._txn_manager.maybe_add_partition_to_txn(tp)
            await producer.abort_transaction()
        finally:
            await producer.stop()

    async def close(self) -> None:
        """Stop the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


class Writer:
    """The only one that may write to one partition. Raises ProducerFenced from `send` when it no longer is."""

    def __init__(self, tp: TP, transactional_id: str, client: Client) -> None:
        self._tp, self._transactional_id, self._client = tp, transactional_id, client
        self._producer: Any = None
        self._epoch, self._number = (-1, -1), 0
        self._since = 0.0

    async def open(self) -> int:
        """Fence everyone else, for good. Returns the offset behind the marker."""
        await self._start()
        return await self._mark()

    async def _start(self) -> None:
        """Take a new epoch."""
        asked = self._client.open(), self._client.epoch(self._transactional_id)
        self._producer, self._epoch = await asyncio.gather(*asked)
        self._number = 0
        self._since = time.monotonic()

    async def renew(self) -> int:
        """Take a newer epoch, as only the present owner may: one that has lost the partition raises ProducerFenced;
        one that loses it in this very moment, WorkerError. Returns the offset behind the new marker."""
        end = await self._mark()
        following = await self.open()
        if following != end + 1:
            raise WorkerError(f"{self._tp} was written by another while its owner took a newer epoch")
        return following

    async def _mark(self) -> int:
        marker = self.batch()
        marker.append(key=OWNER, value=None, timestamp=int(time.time() * 1000))
        return await self.send(marker) + 1

    def batch(self) -> Any:
        """An empty batch, to be filled and sent."""
        return self._producer.create_batch()

    async def begin(self, batch: Any) -> Any:
        """Hand a batch over; in this order they are written. Returns a future of its acknowledgement."""
        batch._set_producer_state(*self._epoch, self._number)
        self._number = (self._number + batch.record_count()) % _NUMBERS
        return await self._producer.send_batch(batch, self._tp.topic, partition=self._tp.partition)

    async def send(self, batch: Any) -> int:
        """Write a batch; returns the offset of its first record."""
        acknowledged = await (await self.begin(batch))
        offset: int = acknowledged.offset
        return offset

    def is_old(self) -> bool:
        """Whether its epoch should be renewed."""
        return time.monotonic() - self._since > _RENEWED_AFTER_S


class Writers:
    """The writers of what this worker owns. `next_offset`: behind each one's marker; whoever writes keeps it. `kind`:
    what a writer is."""

    def __init__(self, settings: Settings, kind: type[Writer] = Writer) -> None:
        self._settings, self._client, self._kind = settings, Client(async_options(settings)), kind
        self._writers: dict[TP, Writer] = {}
        self._changing = asyncio.Lock()
        self._closed = False
        self.next_offset: dict[TP, int] = {}
        self.renewals = 0

    async def own(self, partitions: Iterable[TP]) -> None:
        """Fence all others from exactly these partitions. Returns when every one of them is. Raises BrokerError where
        that takes longer than a session: aiokafka sends no heartbeats meanwhile, so the group has gone on without us.
        """
        fenced, limit_s = set(partitions), self._settings.session_timeout_ms / 1000
        try:
            async with asyncio.timeout(limit_s), self._changing:
                self._forget_all()
                if not self._closed:
                    await asyncio.gather(*(self._open(tp) for tp in fenced))
        except TimeoutError as error:
            raise BrokerError(
                f"the brokers have given no transactional ids within {limit_s:g} s. Are they slow, or do they have "
                "fewer nodes than their `transaction.state.log.replication.factor` asks for?"
            ) from error

    async def get(self, tp: TP) -> Writer:
        """The writer of a partition that is ours. Raises WorkerError for another's."""
        async with self._changing:
            writer = self._writers.get(tp)
            if writer is None:
                raise WorkerError(f"{tp} is not this worker's to write")
            if writer.is_old():
                async with asyncio.timeout(self._settings.session_timeout_ms / 1000):
                    self.next_offset[tp] = await writer.renew()
                    self.renewals += 1
            return writer

    async def close(self) -> None:
        """Stop, for good."""
        self._closed = True
        async with self._changing:
            self._forget_all()
            await self._client.close()

    async def _open(self, tp: TP) -> None:
        writer = self._kind(tp, f"{self._settings.app_id}-{tp.topic}-{tp.partition}", self._client)
        self._writers[tp] = writer
        self.next_offset[tp] = await writer.open()

    def _forget_all(self) -> None:
        self._writers.clear()
        self.next_offset.clear()


def raise_if_apart(topics: TopicNames, assigned: Iterable[TP]) -> None:
    """Whoever has a partition's events has its labels and hops too: they share state, and that has one writer. Faust
    keeps topics together that all workers subscribe to (faust/assignor/partition_assignor.py,
    `_group_co_subscribed`), so an older version among the workers would part them. Raises WorkerError."""
    parts: dict[str, set[int]] = {topic: set() for topic in (topics.events, topics.labels, topics.hops)}
    for tp in assigned:
        if tp.topic in parts:
            parts[tp.topic].add(tp.partition)
    if len({frozenset(numbers) for numbers in parts.values()}) > 1:
        raise WorkerError(f"partitions came apart: {parts}; stop the workers of another version first")
