"""Where messages of `events` come from, and how far a partition has got: the events themselves say so.

A message that goes on carries the offset that it comes from, as a header. Whoever takes a partition over first shuts
its former owner out, and then looks at the end of `events`: the last header there tells what has gone on, whatever has
been committed. So nothing goes on twice, and nothing is left out.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP
from kafka.errors import KafkaError

from engine.errors import BrokerError, WorkerError
from engine.settings import Settings
from engine.stream.kafka.clients import FETCH_MAX_WAIT_MS, admin, async_options
from engine.stream.kafka.passing import raise_if_unknown_yet, until_it_passes

HEADER = "floodgate-raw"
_FIRST_STEP, _LARGEST_STEP = 100, 10_000
_POLL_MS = 1_000


def source_name(settings: Settings) -> str:
    """What stands for `raw_events` in headers: the topic's id, or its name where the brokers tell none. A topic that
    was deleted and made again has another id, and its offsets mean other messages. Raises BrokerError."""
    topic = settings.topics.raw_events

    def ask() -> Any:
        with admin(settings) as client:
            (described,) = client.describe_topics([topic])
            raise_if_unknown_yet([described])
            return described

    try:
        return str(until_it_passes(ask).get("topic_id") or topic)
    except (KafkaError, ValueError) as error:
        raise BrokerError(f"the brokers do not tell of the topic {topic}: {error!r}") from error


class Sources:
    """Looks at the ends of partitions of `events`. `name`: as `source_name` has it."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._consumer: Any = None

    async def start(self) -> None:
        """Connect."""
        self._consumer = AIOKafkaConsumer(
            **async_options(self._settings), enable_auto_commit=False, fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            max_partition_fetch_bytes=16 << 20,
        )  # fmt: skip
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def ends_of(self, partitions: Any) -> dict[TP, int]:
        """The offsets behind the last records of partitions of any topic."""
        ends = await self._consumer.end_offsets(list(partitions))
        return {TP(tp.topic, tp.partition): end for tp, end in ends.items()}

    def header(self, partition: int, offset: int) -> tuple[str, bytes]:
        """What a message carries that comes from there."""
        return HEADER, f"{self._name}:{partition}:{offset}".encode()

    async def reached(self, partition: int) -> int | None:
        """The offset that the last message of this partition of `events` comes from; None where nothing in it comes
        from there. Raises WorkerError where `raw_events` has no such offset."""
        tp = TopicPartition(self._settings.topics.events, partition)
        begin = (await self._consumer.beginning_offsets([tp]))[tp]
        at, step = (await self._consumer.end_offsets([tp]))[tp], _FIRST_STEP
        self._consumer.assign([tp])
        while at > begin:
            start = max(begin, at - step)
            offset = await self._last_between(tp, start, at)
            if offset is not None:
                await self._raise_if_beyond(partition, offset)
                return offset
            at, step = start, min(4 * step, _LARGEST_STEP)
        return None

    async def _last_between(self, tp: TopicPartition, start: int, end: int) -> int | None:
        last = None
        self._consumer.seek(tp, start)
        while await self._consumer.position(tp) < end:
            fetched = await self._consumer.getmany(tp, timeout_ms=_POLL_MS)
            for record in fetched.get(tp, ()):
                if record.offset < end:
                    offset = self._offset_of(record, tp.partition)
                    last = offset if offset is not None else last
        return last

    def _offset_of(self, record: Any, partition: int) -> int | None:
        value = dict(record.headers or ()).get(HEADER)
        if value is None:
            return None
        name, _, rest = value.decode("utf-8", "replace").rpartition(":")[0].rpartition(":")
        offset = value.rpartition(b":")[2]
        return int(offset) if (name, rest) == (self._name, str(partition)) and offset.isdigit() else None

    async def _raise_if_beyond(self, partition: int, offset: int) -> None:
        raw = TopicPartition(self._settings.topics.raw_events, partition)
        end = (await self._consumer.end_offsets([raw]))[raw]
        if offset >= end:
            raise WorkerError(
                f"{raw} ends at {end}, but what comes from its offset {offset} has gone on: is it another topic of "
                "that name?"
            )
