"""Replies are followed, from where the topic ended when this process began."""

import asyncio
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from engine.serve.asking import Asking
from engine.serve.metrics import ServeMetrics
from engine.settings import Settings
from engine.stream.handlers.replies import Reply
from engine.stream.kafka.assigned import read_extents
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES, async_options
from engine.stream.kafka.interruptions import until_stopped
from engine.stream.kafka.sealing import Seals

_POLL_MS = 250
_GIVEN_UP_MS = 10_000
"""What Kafka has not taken by then is given up: who has asked was told so, and sends it again."""

_log = structlog.stdlib.get_logger("floodgate.serve")


class Following:
    """Reads replies until `stopping` is set, and gives `asking` its producer. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, asking: Asking, metrics: ServeMetrics, stopping: asyncio.Event) -> None:
        self._settings, self._asking, self._metrics, self._stopping = settings, asking, metrics, stopping
        self._seals, self._warned = Seals(settings, self._warn), False
        self._at = dict[TopicPartition, int]()
        self.is_reading = False

    async def run(self) -> None:
        """Follow. Kafka that is away, and topics that are missing, are waited for."""

        def failed(error: Exception, again_in_s: float) -> None:
            _log.error("no replies are read for now", error=repr(error), again_in_s=again_in_s)

        await until_stopped(self._follow, failed, self._stopping, longest_pause_s=5.0)

    async def _follow(self) -> None:
        options = async_options(self._settings)
        extents = await asyncio.to_thread(read_extents, self._settings, [self._settings.topics.replies])
        consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="latest")
        # Nothing lingers: an event is sent at once, and those that come while it is under way go together.
        producer = AIOKafkaProducer(
            **options, enable_idempotence=True, max_request_size=MAX_MESSAGE_BYTES, request_timeout_ms=_GIVEN_UP_MS
        )
        await consumer.start()
        try:
            await producer.start()
            try:
                consumer.assign(list(extents))
                for tp, extent in extents.items():
                    consumer.seek(tp, min(max(self._at.get(tp, extent.end), extent.start), extent.end))
                self._asking.producer = producer
                self._say(is_reading=True)
                while not self._stopping.is_set():
                    self._take(await consumer.getmany(timeout_ms=_POLL_MS))
                await self._asking.drain()
            finally:
                self._say(is_reading=False)
                self._asking.producer = None
                await producer.stop()
        finally:
            await consumer.stop()

    def _take(self, polled: dict[TopicPartition, list[Any]]) -> None:
        for tp, records in polled.items():
            for record in records:
                if self._asking.is_waiting_for(record.key) and self._seals.fits(record):
                    self._hear(record)
            self._at[tp] = records[-1].offset + 1

    def _hear(self, record: Any) -> None:
        try:
            self._asking.hear(record.key, msgspec.json.decode(record.value or b"", type=Reply))
        except (msgspec.MsgspecError, ValueError) as error:
            _log.error("a reply cannot be read", error=str(error))

    def _say(self, *, is_reading: bool) -> None:
        self.is_reading = is_reading
        self._metrics.following.set(is_reading)

    def _warn(self, _: Any) -> None:
        if not self._warned:
            _log.warning("replies come without a seal: `security.worker_key` is not the workers'")
            self._warned = True
