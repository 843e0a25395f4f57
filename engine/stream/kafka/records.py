"""Records of a topic, read and written by commands."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import KafkaError

from engine.errors import PublishError, TopicError
from engine.settings import Settings
from engine.stream.kafka.authors import Author
from engine.stream.kafka.clients import consumer, producer
from engine.stream.kafka.publishers import Scope
from engine.stream.kafka.signing import Headers


class Sending:
    """Messages on their way, signed by whoever runs the command."""

    def __init__(self, settings: Settings, scope: Scope, within_ms: int | None = None) -> None:
        self._author = Author(settings, scope)
        timeouts = {"delivery_timeout_ms": within_ms, "request_timeout_ms": within_ms // 2} if within_ms else {}
        self.client = producer(settings, linger_ms=5, **timeouts)
        self._sent: list[Any] = []

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None,
        beside: Headers | None = None, timestamp_ms: int | None = None, is_signed: bool = True,
    ) -> None:  # fmt: skip
        """Send one. `beside`: headers that nobody signs."""
        headers = [*(self._author.headers(topic, key, value) if is_signed else ()), *(beside or ())]
        self._sent.append(
            self.client.send(topic, value, key, headers=headers, partition=partition, timestamp_ms=timestamp_ms)
        )

    def wait(self) -> list[Any]:
        """Until the brokers have all of them: what Kafka says of each. Raises KafkaError."""
        self.client.flush()
        waiting, self._sent = self._sent, []
        return [sent.get(timeout=30) for sent in waiting]


@contextmanager
def sending(settings: Settings, scope: Scope, failed: str, within_ms: int | None = None) -> Iterator[Sending]:
    """Sends messages; at its end the brokers have all of them. `within_ms`: what they have not taken by then is given
    up, and never comes there later. Raises PublishError, saying what has `failed`, or that one may not do this."""
    messages = Sending(settings, scope, within_ms)
    try:
        yield messages
        messages.wait()
    except KafkaError as error:
        raise PublishError(f"{failed}: {error!r}") from error
    finally:
        messages.client.close()


def send_one(
    settings: Settings,
    topic: str,
    key: bytes,
    value: bytes | None,
    title: str,
    scope: Scope,
    beside: Headers | None = None,
) -> int:
    """Publish one message to the first partition; returns its offset. Raises PublishError, saying what it was
    (`title`), or that one may not do this. `beside`: headers that nobody signs."""
    with sending(settings, scope, f"{title} could not be published") as messages:
        messages.send(topic, key, value, 0, beside)
        (placed,) = messages.wait()
    return int(placed.offset)


_LOOKED_AT = 1_000
"""So many of the latest messages of a topic tell how far its time has come."""


class Recorded(NamedTuple):
    """What was on a topic, and when it had arrived."""

    value: bytes
    arrived_ms: int


def _value_of(record: Any) -> bytes | None:
    value: bytes | None = record.value
    return value


def read_since(
    settings: Settings, topic: str, span: int | Callable[[int], int], most: int | None = None,
    value_of: Callable[[Any], bytes | None] = _value_of,
) -> list[Recorded]:  # fmt: skip
    """The values and times of what has arrived on a topic, in the order of their arrival; of more than `most` about the
    latest. Within a partition that is the order of its offsets, whatever times the records claim. `span`: within so
    many milliseconds before its newest message, or since what this makes of that one's time; `value_of`: what is taken
    of a record, if anything. Raises TopicError."""
    newest_ms = max((record.timestamp for record in read_all(settings, topic, most=_LOOKED_AT)), default=0)
    newest_ms = min(newest_ms, int(time.time() * 1000))
    since_ms = newest_ms - span if isinstance(span, int) else span(newest_ms)
    reached: dict[int, int] = {}
    arrivals = []
    for record in read_all(settings, topic, max(0, since_ms), most):
        at = reached[record.partition] = max(record.timestamp, reached.get(record.partition, 0))
        value = value_of(record)
        if value is not None:
            arrivals.append((at, record.partition, record.offset, record.timestamp, value))
    return [Recorded(value, arrived) for *_, arrived, value in sorted(arrivals, key=lambda arrival: arrival[:3])]


def require_topics(settings: Settings, *topics: str) -> None:
    """Raise TopicError where one is not there: a broker may make what is sent to, as no setting says."""
    with consumer(settings) as client:
        there = client.topics()
    for topic in topics:
        if topic not in there:
            raise missing_topic(topic)


def missing_topic(topic: str) -> TopicError:
    """What says that a topic is not there, and what to do."""
    return TopicError(f"topic {topic} does not exist. Run `floodgate topics create`")


def read_all(settings: Settings, topic: str, since_ms: int | None = None, most: int | None = None) -> Iterator[Any]:
    """All that is in a topic now, or what has arrived since then, partition by partition in no particular order; at
    most so many, the latest of each partition. Raises TopicError."""
    with consumer(settings) as client:
        partitions = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        if not partitions:
            raise missing_topic(topic)
        client.assign(partitions)
        ends = client.end_offsets(partitions)
        client.seek_to_beginning(*partitions)
        if since_ms is not None:
            starts = client.offsets_for_times(dict.fromkeys(partitions, since_ms))
            for partition in partitions:
                start = starts.get(partition)
                client.seek(partition, start.offset if start is not None else ends[partition])
        if most is not None:
            for partition in partitions:
                client.seek(partition, max(client.position(partition), ends[partition] - most // len(partitions)))
        while any(client.position(partition) < ends[partition] for partition in partitions):
            for records in client.poll(timeout_ms=1_000).values():
                yield from records


def read_at(settings: Settings, places: Iterable[tuple[str, int, int]]) -> Iterator[Any]:
    """The record at each topic, partition and offset, or the first one behind it, if there is any. `offset`: below the
    first one means that one."""
    with consumer(settings) as client:
        for topic, number, offset in places:
            partition = TopicPartition(topic, number)
            client.assign([partition])
            start, end = (bound([partition])[partition] for bound in (client.beginning_offsets, client.end_offsets))
            client.seek(partition, max(offset, start))
            records: list[Any] = []
            while not records and client.position(partition) < end:
                records = client.poll(timeout_ms=1_000, max_records=1).get(partition, [])
            yield from records


def read_partition(settings: Settings, topic: str, number: int) -> Iterator[Any]:
    """All that is in one partition now, in its order. Raises TopicError."""
    with consumer(settings) as client:
        partition = TopicPartition(topic, number)
        if number not in (client.partitions_for_topic(topic) or ()):
            raise TopicError(f"topic {topic} has no partition {number}")
        client.assign([partition])
        end = client.end_offsets([partition])[partition]
        client.seek_to_beginning(partition)
        while client.position(partition) < end:
            for records in client.poll(timeout_ms=1_000).values():
                yield from records
