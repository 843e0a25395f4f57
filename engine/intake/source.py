"""One source: its topic is read, its messages become events or dead letters, in their order."""

import asyncio
import time
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from engine.errors import EventError, TopicError
from engine.intake.events import EventMaker
from engine.intake.metrics import IntakeMetrics
from engine.intake.published import header_of, note_of, read_standing
from engine.intake.registry import AwayError, Registry
from engine.settings import Settings
from engine.stream.handlers.messages import dead_letter
from engine.stream.kafka.assigned import read_extents
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES, async_options
from engine.stream.kafka.interruptions import until_stopped

_POLL_MS = 250
_MOST_AT_ONCE = 500

_log = structlog.stdlib.get_logger("floodgate.intake")


def group_of(settings: Settings, source: str) -> str:
    """The consumer group under which a source's offsets are committed."""
    return f"{settings.app_id}-intake-{source}"


class Source:
    """Takes in until `stopping` is set."""

    def __init__(
        self, settings: Settings, name: str, registry: Registry, metrics: IntakeMetrics, stopping: asyncio.Event
    ) -> None:
        self.name, self._settings, self._own = name, settings, settings.intake.sources[name]
        self._maker = EventMaker(settings, self._own, registry)
        self._metrics, self._stopping = metrics, stopping
        self._published, self._ends = set[tuple[int, int]](), dict[int, int]()
        self.is_reading = False

    async def run(self) -> None:
        """Take in. Kafka that is away, and topics that are missing, are waited for: offsets are committed only behind
        what is published."""

        def failed(error: Exception, again_in_s: float) -> None:
            _log.error("nothing is taken in for now", source=self.name, error=repr(error), again_in_s=again_in_s)

        await until_stopped(self._follow, failed, self._stopping)

    async def _follow(self) -> None:
        group, options = group_of(self._settings, self.name), async_options(self._settings)
        extents = await asyncio.to_thread(read_extents, self._settings, [self._own.topic])
        standing = await asyncio.to_thread(read_standing, self._settings, self.name, group)
        self._published, self._ends = standing.published, standing.ends
        consumer = AIOKafkaConsumer(**options, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")
        producer = AIOKafkaProducer(**options, enable_idempotence=True, max_request_size=MAX_MESSAGE_BYTES)
        await consumer.start()
        try:
            await producer.start()
            try:
                consumer.assign(list(extents))
                at = {}
                for tp, extent in extents.items():
                    known = standing.committed.get(tp.partition, extent.start)
                    if known < extent.start:
                        self._metrics.missed.labels(self.name).inc(extent.start - known)
                        _log.error("messages were gone before they were read", source=self.name)
                    at[tp] = known if extent.start <= known <= extent.end else extent.start
                    consumer.seek(tp, at[tp])
                self.is_reading = True
                while not self._stopping.is_set():
                    await self._take(consumer, producer, at)
            finally:
                await producer.stop()
        finally:
            self.is_reading = False
            await consumer.stop()

    async def _take(self, consumer: Any, producer: Any, at: dict[TopicPartition, int]) -> None:
        polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_AT_ONCE)
        sent: list[tuple[str, Any]] = []
        try:
            for tp, records in polled.items():
                for record in records:
                    is_out = (record.partition, record.offset) in self._published
                    if is_out:
                        self._published.discard((record.partition, record.offset))
                        self._metrics.repeated.labels(self.name).inc()
                    else:
                        sent.append(await self._send(producer, record))
                    at[tp] = record.offset + 1
        except AwayError:  # stopping: what is made so far goes out
            pass
        placed = await asyncio.gather(*(message for _, message in sent))
        for (reason, _), place in zip(sent, placed, strict=True):  # counted when it is there, and so once
            if reason:
                self._metrics.dead_letters.labels(self.name, reason).inc()
            else:
                self._metrics.events.labels(self.name).inc()
                self._ends[place.partition] = max(place.offset + 1, self._ends.get(place.partition, 0))
        if polled:
            note = note_of(self._ends)
            await consumer.commit({tp: (offset, note) for tp, offset in at.items()})
        behind = (max(0, (consumer.highwater(tp) or offset) - offset) for tp, offset in at.items())
        self._metrics.lag.labels(self.name).set(sum(behind))
        if len(consumer.partitions_for_topic(self._own.topic) or ()) > len(at):
            raise TopicError(f"topic {self._own.topic} has more partitions than it had: it is read anew")

    async def _send(self, producer: Any, record: Any) -> tuple[str, Any]:
        """An event or a dead letter, in the order in which this is called: why it is a dead letter, if it is, and what
        can be awaited."""
        try:
            key, value = await self._maker.make(record)
        except AwayError:
            raise
        except Exception as error:  # one message must never stop a source
            reason = error.reason if isinstance(error, EventError) else "not_an_event"
            place = (record.topic, record.partition, record.offset)
            letter = dead_letter(
                self._settings.topics.dead_letters, place, record.key, record.value, reason, str(error)
            )
            return reason, await producer.send(letter.topic, letter.value, letter.key, headers=letter.headers)
        arrived_ms = record.timestamp if record.timestamp >= 0 else time.time_ns() // 1_000_000
        headers = [header_of(self.name, record.partition, record.offset)]
        topic = self._settings.topics.events
        return "", await producer.send(topic, value, key, timestamp_ms=arrived_ms, headers=headers)
