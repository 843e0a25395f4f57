"""Records of a topic, read and written by commands."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import KafkaError

from engine.errors import PublishError, TopicError
from engine.settings import Settings
from engine.stream.kafka.authors import Author
from engine.stream.kafka.clients import consumer, producer
from engine.stream.kafka.publishers import Scope
from engine.stream.kafka.signing import Headers


def send_one(
    settings: Settings,
    topic: str,
    key: bytes,
    value: bytes | None,
    what: str,
    scope: Scope,
    beside: Headers | None = None,
) -> int:
    """Publish one message to the first partition; returns its offset. Raises PublishError, saying `what` it was, or
    that one may not do this. `beside`: headers that nobody signs."""
    headers = [*Author(settings, scope).headers(topic, key, value), *(beside or ())]
    client = producer(settings)
    try:
        return int(client.send(topic, key=key, value=value, headers=headers, partition=0).get(timeout=30).offset)
    except KafkaError as error:
        raise PublishError(f"{what} could not be published: {error!r}") from error
    finally:
        client.close()


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
    found = []
    for record in read_all(settings, topic, max(0, since_ms), most):
        at = reached[record.partition] = max(record.timestamp, reached.get(record.partition, 0))
        value = value_of(record)
        if value is not None:
            found.append((at, record.partition, record.offset, record.timestamp, value))
    return [Recorded(value, arrived) for *_, arrived, value in sorted(found, key=lambda one: one[:3])]


def read_all(settings: Settings, topic: str, since_ms: int | None = None, most: int | None = None) -> Iterator[Any]:
    """All that is in a topic now, or what has arrived since then, partition by partition in no particular order; at
    most so many, the latest of each partition. Raises TopicError."""
    with consumer(settings) as client:
        found = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        if not found:
            raise TopicError(f"topic {topic} does not exist. Run `floodgate topics create`")
        client.assign(found)
        ends = client.end_offsets(found)
        client.seek_to_beginning(*found)
        if since_ms is not None:
            starts = client.offsets_for_times(dict.fromkeys(found, since_ms))
            for partition in found:
                start = starts.get(partition)
                client.seek(partition, start.offset if start is not None else ends[partition])
        if most is not None:
            for partition in found:
                client.seek(partition, max(client.position(partition), ends[partition] - most // len(found)))
        while any(client.position(partition) < ends[partition] for partition in found):
            for records in client.poll(timeout_ms=1_000).values():
                yield from records
