"""Following the topics of tables: every worker reads all partitions of them, from their beginning, without a group."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from mode import Service

from engine.core.domain.reference import Lookup
from engine.errors import FloodgateError
from engine.reference.tables import Tables
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.clients import FOLLOWED_MAX_WAIT_MS, async_options, consumer

_log = structlog.stdlib.get_logger("floodgate")

_POLL_MS = 500
_IDLE_S = 1.0
_LOOK_EVERY_S = 30.0
"""How often a topic that is not there is looked for."""


class TableFollower(Service):
    """Keeps the rows of tables as their topics have them. `on_caught_up` is called when all that was there has been
    read; topics that are not there keep nobody waiting."""

    def __init__(
        self, tables: Tables, settings: Settings, metrics: Metrics, on_caught_up: Callable[[], None], **more: Any
    ) -> None:  # fmt: skip
        super().__init__(**more)
        self._tables, self._settings, self._metrics, self._on_caught_up = tables, settings, metrics, on_caught_up
        self._by_topic: dict[str, list[str]] = {}
        self._missing: set[str] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._changed = asyncio.Event()
        self.is_caught_up = True

    def use(self, lookups: Iterable[Lookup], topics: Mapping[str, str]) -> None:
        """Follow the topics of these tables from now on, and no others."""
        fresh = self._tables.use(lookups)
        by_topic: dict[str, list[str]] = {}
        for table, topic in topics.items():
            by_topic.setdefault(topic, []).append(table)
        if by_topic == self._by_topic and not fresh:
            return
        anew = {topics[table] for table in fresh if table in topics} | self._by_topic.keys() - by_topic.keys()
        self._by_topic = by_topic
        self._positions = {tp: at for tp, at in self._positions.items() if tp.topic not in anew}
        self.is_caught_up = not by_topic
        self._changed.set()

    def missing(self) -> list[str]:
        """The topics that are not there."""
        return sorted(self._missing)

    @Service.task
    async def _follow(self) -> None:
        client: AIOKafkaConsumer | None = None
        try:
            while not self.should_stop:
                if not self._by_topic and client is None:
                    await self._wait()
                    continue
                if client is None:
                    client = AIOKafkaConsumer(
                        **async_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
                        fetch_max_wait_ms=FOLLOWED_MAX_WAIT_MS,
                    )  # fmt: skip
                    await client.start()
                self._changed.clear()
                await self._read(client)
        finally:
            if client is not None:
                await client.stop()

    async def _read(self, client: AIOKafkaConsumer) -> None:
        """Read what is followed, until other topics are to be, or one that was not there may be."""
        tps = await self._partitions()
        if tps is None:
            await self._wait()
            return
        if self._changed.is_set():
            return
        client.assign(tps)
        for tp in tps:
            if tp in self._positions:
                client.seek(tp, self._positions[tp])
            else:
                await client.seek_to_beginning(tp)
        ends = await client.end_offsets(tps) if tps else {}
        looked_s = self.loop.time()
        while not (self.should_stop or self._changed.is_set()):
            if not self.is_caught_up and all(self._positions.get(tp, 0) >= end for tp, end in ends.items()):
                self.is_caught_up = True
                self._on_caught_up()
            if self._missing and self.loop.time() - looked_s > _LOOK_EVERY_S:
                return
            if tps:
                self._take(await client.getmany(*tps, timeout_ms=_POLL_MS))
                positions = {tp: await client.position(tp) for tp in tps}
                if not self._changed.is_set():  # else what is followed now is read from where it says
                    self._positions |= positions
            else:
                await self._wait()

    def _take(self, fetched: Mapping[TopicPartition, list[Any]]) -> None:
        if self._changed.is_set():
            return  # these are other tables' by now; what is followed still is read again
        for tp, records in fetched.items():
            for table in self._by_topic.get(tp.topic, ()):
                for record in records:
                    refused = self._tables.put(table, record.key, record.value)
                    if refused is not None:
                        self._metrics.table_refused.labels(table, refused).inc()
        for table, count in self._tables.counts().items():
            self._metrics.table_rows.labels(table).set(count)
        self._metrics.table_bytes.set(self._tables.bytes)

    async def _partitions(self) -> list[TopicPartition] | None:
        """Those of the topics that are there; None where nobody can tell."""
        topics = sorted(self._by_topic)
        try:
            counts = await asyncio.to_thread(_partition_counts, self._settings, topics)
        except FloodgateError as error:
            _log.error("the topics of tables cannot be looked at", error=str(error))
            return None
        missing = {topic for topic in topics if not counts.get(topic)}
        for topic in sorted(missing - self._missing):
            _log.error("a table's topic is not there: its values are unknown", topic=topic)
        self._missing = missing
        return [TopicPartition(topic, at) for topic in topics for at in range(counts.get(topic, 0))]

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), _IDLE_S)


def _partition_counts(settings: Settings, topics: list[str]) -> dict[str, int]:
    with consumer(settings) as client:
        known = client.topics()
        return {topic: len(client.partitions_for_topic(topic) or ()) for topic in topics if topic in known}
