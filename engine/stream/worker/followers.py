"""Following a compacted topic: every worker reads all of it, and is told of each newer value."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from mode import Service

from engine.errors import WorkerError
from engine.settings import Settings
from engine.stream.handlers.batches import accept_any
from engine.stream.kafka.clients import FOLLOWED_MAX_WAIT_MS, async_options

Receive = Callable[[str, Any], Awaitable[bool]]
"""Called with the key of each new record, and with the record, in order. Returns False for one that is refused."""

Group = Callable[[str], str]
"""Which messages take each other's places, by their keys: the newest that is not refused counts."""

CaughtUp = Callable[[], None]

Refused = Callable[[], None]
"""Called for each message that could not even be refused in order."""

_POLL_MS = 500


class Follower(Service):
    """Reads one partition without a group. `caught_up` is set once what was there has been received."""

    def __init__(
        self,
        topic: str,
        settings: Settings,
        receive: Receive,
        on_caught_up: CaughtUp,
        group: Group = str,
        accept: Callable[[Any], bool] = accept_any,
        on_refused: Refused = lambda: None,
        on_removed: Callable[[Any], None] = lambda _: None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._on_refused, self._on_removed = on_refused, on_removed
        self._topic, self._settings, self._receive, self._on_caught_up = topic, settings, receive, on_caught_up
        self._group, self._accept = group, accept
        self.caught_up = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._received, self._moved = 0, asyncio.Event()

    async def read_to_end(self) -> None:
        """Wait until all that is on the topic now has been received."""
        await self.caught_up.wait()
        tp, consumer = TopicPartition(self._topic, 0), self._consumer
        if consumer is None:
            raise WorkerError(f"{self._topic} is not followed any more")
        end = (await consumer.end_offsets([tp]))[tp]
        while self._received < end:
            self._moved.clear()
            await self._moved.wait()

    async def ends_of(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets behind the last records of partitions of any topic."""
        if self._consumer is None:
            raise WorkerError(f"{self._topic} is not followed any more")
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return ends

    async def _take(self, records: list[Any]) -> None:
        groups: dict[str, list[tuple[str, Any]]] = {}
        for record in records:
            if record.key and record.value:
                if not self._accept(record):
                    continue
                key = record.key.decode("utf-8", "replace")
                groups.setdefault(self._group(key), []).append((key, record))
            elif record.key:
                self._on_removed(record)
        for entries in sorted(groups.values(), key=lambda entries: int(entries[-1][1].offset)):
            for key, record in reversed(entries):
                if await self._is_received(key, record):
                    break

    async def _is_received(self, key: str, record: Any) -> bool:
        """Whether a message is used. Whatever is wrong with it, the worker goes on with what it has."""
        try:
            return await self._receive(key, record)
        except Exception:
            self._on_refused()
            self.log.exception("%s: the message at offset %d was refused", self._topic, record.offset)
            return False

    @Service.task
    async def _follow(self) -> None:
        tp = TopicPartition(self._topic, 0)
        consumer = AIOKafkaConsumer(
            **async_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
            max_partition_fetch_bytes=16 << 20, fetch_max_wait_ms=FOLLOWED_MAX_WAIT_MS,
        )  # fmt: skip
        await consumer.start()
        self._consumer = consumer
        try:
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            await consumer.seek_to_beginning(tp)
            while not self.should_stop:
                if not self.caught_up.is_set() and await consumer.position(tp) >= end:
                    self.caught_up.set()
                    self._on_caught_up()
                fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS)
                await self._take(fetched.get(tp, []))
                self._received = await consumer.position(tp)
                self._moved.set()
        finally:
            self._consumer = None
            await consumer.stop()
