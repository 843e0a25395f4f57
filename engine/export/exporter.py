"""The topics are read, and become files."""

import asyncio
import time
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.errors import TopicError
from engine.export.columns import Columns
from engine.export.files import Span, Table
from engine.export.gathering import Gathering
from engine.export.messages import MessageReader
from engine.export.metrics import ExportMetrics
from engine.settings import Settings
from engine.stream.kafka.assigned import Extent, read_extents
from engine.stream.kafka.clients import async_options
from engine.stream.kafka.interruptions import until_stopped

_POLL_MS = 250
_MOST_AT_ONCE = 5_000
_TEND_S = 2.0
_LONG_S = 30.0
"""A file that takes longer is not expected."""
_LONGEST_PAUSE_S = 60.0

_log = structlog.stdlib.get_logger("floodgate.export")


def group_of(settings: Settings) -> str:
    """The consumer group under which it is committed how far the files are."""
    return f"{settings.app_id}-export"


class _Exported:
    """One topic and its table."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name, self.topic = name, getattr(settings.topics, name)
        self.table, self.columns = Table(settings.export.to, name), Columns(name)
        self.reader = MessageReader(settings, name)


class Exporter:
    """Exports until `stopping` is set; `is_once`: only what is there now. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, stopping: asyncio.Event, *, is_once: bool) -> None:
        self._settings, self._own, self._stopping, self._is_once = settings, settings.export, stopping, is_once
        self._exported = {one.topic: one for one in (_Exported(settings, name) for name in settings.export.tables)}
        self.metrics = ExportMetrics(settings.export.tables)
        self.is_reading, self._is_failing, self._can_write, self.rows = False, False, True, 0

    async def run(self) -> None:
        """Export. Kafka or a store of files that is away is waited for; what was not yet a file is read again. Raises
        what went wrong if it is to be done once."""
        if self._is_once:
            await self._follow()
            return

        def failed(error: Exception, again_in_s: float) -> None:
            _log.error("nothing is exported for now", error=repr(error), again_in_s=again_in_s)
            self._tell_that_it_fails(time.time())

        await until_stopped(self._follow, failed, self._stopping, _LONGEST_PAUSE_S)

    async def _follow(self) -> None:
        extents = await asyncio.to_thread(read_extents, self._settings, list(self._exported))
        consumer = AIOKafkaConsumer(
            **async_options(self._settings), group_id=group_of(self._settings), enable_auto_commit=False,
            auto_offset_reset="earliest",
        )  # fmt: skip
        await consumer.start()
        try:
            waiting = await self._assign(consumer, extents)
            self.is_reading = True
            tended = time.monotonic()
            while not self._stopping.is_set():
                polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_AT_ONCE)
                for tp, records in polled.items():
                    await self._take(tp, waiting[tp], records)
                await self._write_due(waiting)
                if time.monotonic() - tended >= _TEND_S:
                    await self._tend(consumer, waiting)
                    tended = time.monotonic()
                if self._is_once and all([await consumer.position(tp) >= extents[tp].end for tp in waiting]):
                    break
            for tp, gathering in waiting.items():
                await self._write(tp, gathering)
            await self._tend(consumer, waiting)
        finally:
            self.is_reading = False
            await consumer.stop()

    async def _assign(
        self, consumer: Any, extents: dict[TopicPartition, Extent]
    ) -> dict[TopicPartition, Gathering]:  # fmt: skip
        consumer.assign(list(extents))
        last: dict[str, dict[int, Span]] = {}
        for topic, exported in self._exported.items():
            count = sum(tp.topic == topic for tp in extents)
            last[topic] = await asyncio.to_thread(exported.table.ends, count)
        waiting = {}
        for tp, (start, _) in extents.items():
            span, exported = last[tp.topic].get(tp.partition), self._exported[tp.topic]
            at = span.last + 1 if span is not None else start
            if at > extents[tp].end:  # another topic of this name; its messages would stand beside the old ones
                raise TopicError(
                    f"topic {tp.topic} is shorter than what is exported: it is another one; name another place"
                )
            if at < start:
                _log.error("messages were gone before they were read", topic=tp.topic, count=start - at)
                self.metrics.missed.labels(exported.name).inc(start - at)
            at = max(at, start)
            consumer.seek(tp, at)
            waiting[tp] = Gathering(exported.columns, tp.partition, at, span.hour if span is not None else 0)
        return waiting

    async def _take(self, tp: TopicPartition, gathering: Gathering, records: list[Any]) -> None:
        exported = self._exported[tp.topic]
        for record in records:
            if not gathering.fits(record.timestamp) or gathering.is_due(self._own.most_rows, float("inf")):
                await self._write(tp, gathering)
            document = exported.reader.read(record)
            if document is None:
                self.metrics.passed_over.labels(exported.name).inc()
            gathering.add(record, document)

    async def _write_due(self, waiting: dict[TopicPartition, Gathering]) -> None:
        is_full = sum(gathering.bytes for gathering in waiting.values()) > self._own.most_bytes
        for tp, gathering in waiting.items():
            if is_full or gathering.is_due(self._own.most_rows, self._own.every_s):
                await self._write(tp, gathering)

    async def _write(self, tp: TopicPartition, gathering: Gathering) -> None:
        if gathering.is_empty:
            return
        exported = self._exported[tp.topic]
        rows = gathering.rows
        self.rows += rows
        span, data = gathering.take()
        self._can_write, began_s = False, time.time()
        writing = asyncio.ensure_future(asyncio.to_thread(exported.table.write, span, data))
        if not (await asyncio.wait([writing], timeout=_LONG_S))[0]:
            self._tell_that_it_fails(began_s)  # clients of object stores try for minutes before they give up
        await writing
        self._can_write = True
        self.metrics.files.labels(exported.name).inc()
        self.metrics.rows.labels(exported.name).inc(rows)
        self._tell_that_it_goes()

    async def _tend(self, consumer: Any, waiting: dict[TopicPartition, Gathering]) -> None:
        done = {tp: gathering.first for tp, gathering in waiting.items()}
        await consumer.commit(done)
        for topic, exported in self._exported.items():
            behind = [max(0, (consumer.highwater(tp) or at) - at) for tp, at in done.items() if tp.topic == topic]
            self.metrics.lag.labels(exported.name).set(sum(behind))
        if self._can_write:  # else a store that refuses each file would be well whenever Kafka is read
            self._tell_that_it_goes()

    def _tell_that_it_fails(self, since_s: float) -> None:
        if not self._is_failing:
            self._is_failing = True
            self.metrics.failing_since.set(since_s)

    def _tell_that_it_goes(self) -> None:
        self._is_failing = False
        self.metrics.failing_since.set(0)
