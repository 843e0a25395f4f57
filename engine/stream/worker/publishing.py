"""Messages on their way to their topics: sealed, placed, and put into batches of aiokafka's producer."""

import random
import time
from collections.abc import Sequence
from typing import Any

import structlog
from faust.types import TP

from engine.errors import WorkerError
from engine.stream.handlers.messages import Message
from engine.stream.kafka.clients import DEFAULT_MESSAGE_BYTES
from engine.stream.kafka.placing import partition_of_key
from engine.stream.kafka.topics import largest_messages
from engine.stream.worker.fencing import Writers
from engine.stream.worker.host import Host

_log = structlog.stdlib.get_logger("floodgate")

Entry = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers of a record to be."""

NO_HEADERS: list[tuple[str, bytes]] = []

_RECORD_BYTES = 512
"""What a record takes beside its key and value: lengths, times, headers."""


def fill(batch: Any, entries: Sequence[Entry], timestamp_ms: int) -> int:
    """Append records to an empty batch of aiokafka's, which takes the first one whatever its size. Returns how many it
    has taken."""
    append, taken = batch.append, 0
    for key, value, headers in entries:
        if append(key=key, value=value, timestamp=timestamp_ms, headers=headers) is None:
            break
        taken += 1
    return taken


def _partition_of(key: bytes | None, partitions: tuple[int, ...]) -> int:
    """Where Kafka's clients send a key; without one, anywhere."""
    return partition_of_key(key, partitions) if key is not None else random.choice(partitions)


class Publisher:
    """Publishes what a worker tells. `writers`: of the topics that have one owner."""

    def __init__(self, app: Host, writers: Writers) -> None:
        self._app, self._writers, self._seals = app, writers, app.seals
        self._limits = largest_messages(app.settings)

    async def publish(self, messages: list[Message]) -> None:
        """Publish messages and await the broker's acknowledgement of all of them. Those of one partition go out in
        their order: a batch that does not take all of them is acknowledged before the next is sent."""
        now_ms, waiting = int(time.time() * 1000), await self._by_partition(messages)
        while waiting:
            acknowledgements, left = [], dict[TP, list[Entry]]()
            for tp, entries in waiting.items():
                batch = await self._batch(tp)
                if (taken := fill(batch, entries, now_ms)) < len(entries):
                    left[tp] = entries[taken:]
                acknowledgements.append(await self._send(tp, batch))
            for acknowledgement in acknowledgements:
                await acknowledgement
            waiting = left

    async def _by_partition(self, messages: list[Message]) -> dict[TP, list[Entry]]:
        """Messages by where they go, sealed where that is asked for, without those that are too large for it."""
        found: dict[str, dict[int, list[Entry]]] = {}
        partitions: dict[str, tuple[int, ...]] = {}
        seal_of = self._seals.header
        for message in messages:
            topic, key, value = message.topic, message.key, message.value
            if self._is_too_large(topic, key, value):
                continue
            if topic not in partitions:
                partitions[topic] = tuple(sorted(await self._producer().partitions_for(topic)))
                found[topic] = {}
            partition = message.partition if message.partition is not None else _partition_of(key, partitions[topic])
            seal = seal_of(topic, key, value)
            said = message.headers or NO_HEADERS
            entry = key, value, said if seal is None else [*said, seal]
            if partition in found[topic]:
                found[topic][partition].append(entry)
            else:
                found[topic][partition] = [entry]
        return {TP(topic, partition): entries for topic, own in found.items() for partition, entries in own.items()}

    def _is_too_large(self, topic: str, key: bytes | None, value: bytes) -> bool:
        """Whether a topic cannot take a message: that is counted, and the batch goes on without it. Else it would be
        tried again for ever."""
        limit = self._limits.get(topic, DEFAULT_MESSAGE_BYTES)
        size = len(value) + _RECORD_BYTES if key is None else len(key) + len(value) + _RECORD_BYTES
        if size <= limit:
            return False
        self._app.metrics.undeliverable.labels(topic).inc()
        _log.error("a message is too large for its topic and is left out", topic=topic, bytes=size, limit=limit)
        return True

    async def _batch(self, tp: TP) -> Any:
        return (await self._writers.get(tp)).batch() if self._is_fenced(tp) else self._producer().create_batch()

    async def _send(self, tp: TP, batch: Any) -> Any:
        if self._is_fenced(tp):
            return await (await self._writers.get(tp)).begin(batch)
        return await self._producer().send_batch(batch, tp.topic, partition=tp.partition)

    def _is_fenced(self, tp: TP) -> bool:
        return bool(tp.topic == self._app.settings.topics.models)

    def _producer(self) -> Any:
        faust_producer: Any = self._app.producer
        producer = faust_producer._producer  # aiokafka's own, for its batch builder
        if producer is None:
            raise WorkerError("the producer is not running")
        return producer
