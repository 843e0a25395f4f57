"""Publishing recorded or simulated events and labels, keyed as the workers expect them."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
import orjson
from kafka import TopicPartition
from kafka.errors import KafkaError

from engine.core.events import lookup
from engine.errors import EventError, PublishError, SnapshotError, TopicError
from engine.learning.models import LearnedModel
from engine.learning.snapshots import seed_of, whole
from engine.settings import Settings
from engine.stream.authors import Author
from engine.stream.clients import consumer, producer
from engine.stream.label_messages import RULING, Restore, Ruling, translate_label
from engine.stream.learners import Models
from engine.stream.messages import arrived_ms
from engine.stream.publishers import Publishers, Scope, is_a_workers_or
from engine.stream.sealing import Seals
from engine.stream.signing import Headers, Signer


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


def publish_ruling(settings: Settings, ruling: Ruling) -> None:
    """Tell the trainer whether a moderator's labels count. Raises PublishError."""
    send_one(settings, settings.topics.examples, RULING, msgspec.json.encode(ruling), "the ruling", "model")


def publish_seed(settings: Settings, name: str, model: LearnedModel, pinned: bool) -> None:
    """Let a model go on from this one. Raises PublishError."""
    model.name, number = seed_of(name), int(time.time() * 1000)
    author, topic = Author(settings, "model"), settings.topics.models
    client = producer(settings)
    try:
        for name_of_part, value in whole(model, number):
            key = name_of_part.encode()
            headers = author.headers(topic, key, value)
            client.send(topic, value, key, headers=headers, partition=0).get(timeout=30)
    except KafkaError as error:
        raise PublishError(f"the model could not be published: {error!r}") from error
    finally:
        client.close()
    publish_ruling(settings, Restore(name, number, pinned))


def read_models(settings: Settings) -> dict[str, LearnedModel]:
    """The models as they were published last. Raises TopicError."""
    models, seals, publishers = Models(), Seals(settings), Publishers(settings)
    for record in read_all(settings, settings.topics.models):
        if record.key and record.value and is_a_workers_or(record, "model", seals, publishers):
            with suppress(SnapshotError):  # the workers refuse it too
                models.receive(record.key.decode("utf-8", "replace"), record.value)
    return {name: follower.model() for name, follower in models.followers.items() if follower.head is not None}


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


class Publisher:
    """Sends events by their user, and labels to where their event went. A context manager that flushes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mapping, self._label_mapping = settings.events.mapping(), settings.labels.mapping()
        self._pseudonyms = settings.pseudonyms()
        self._users: dict[str, tuple[bytes, Any]] = {}  # of remembered events: their key, and their sending
        self._failures: list[BaseException] = []
        self._signer = Signer(settings)
        self._producer = producer(settings, linger_ms=5, batch_size=256_000)

    def event(self, value: bytes, remember: bool = False) -> None:
        """One event; `remember` its user for a label that names only the event. It arrives when its file says so
        (`arrived`), or at its own time, whenever it is published: so what is recorded is decided as it was."""
        key, event, arrived = None, None, arrived_ms(value)
        try:
            document = orjson.loads(value)
            event = self._mapping.read(document, arrived)
            key, arrived = event.user_id.encode(), arrived or event.ts_ms
        except orjson.JSONDecodeError:
            pass  # the workers make it a dead letter
        except EventError:
            user = lookup(document, self._mapping.sources.get("user_id", "user_id")) if type(document) is dict else None
            key = str(user).encode() if user is not None else None
        sent = self._send(self._settings.topics.events, value, key, timestamp_ms=arrived)
        if remember and event is not None and key is not None:
            self._users[event.event_id] = key, sent

    def label(self, value: bytes, user_id: str | None = None) -> None:
        """One label. Without a known user it goes to every partition; the one with the event joins it. A pseudonym
        will do for the user."""
        if user_id is not None and self._pseudonyms is not None:
            user_id = self._pseudonyms.reveal(user_id)
        key = user_id.encode() if user_id is not None else None
        if key is None:
            try:
                document = orjson.loads(translate_label(value, self._label_mapping))
                known = self._users.get(str(document.get("event_id"))) if type(document) is dict else None
                if known is not None:
                    key, sent = known
                    if not sent.is_done:
                        self._producer.flush()  # a label must not be there before its event
            except orjson.JSONDecodeError:
                key = b""  # a dead letter, once
        topic = self._settings.topics.labels
        if key is not None:
            self._send(topic, value, key)
            return
        for partition in range(self._settings.partitions):
            self._send(topic, value, None, partition)

    def flush(self) -> None:
        """Wait until the broker has everything. Raises PublishError if it has refused something."""
        self._producer.flush()
        if self._failures:
            failures, self._failures = self._failures, []
            raise PublishError(f"the broker refused {len(failures)} messages, the first: {failures[0]!r}")

    def _send(
        self, topic: str, value: bytes, key: bytes | None, partition: int | None = None, timestamp_ms: int | None = None
    ) -> Any:
        headers = self._signer.headers(topic, key, value) if topic == self._settings.topics.labels else []
        sent = self._producer.send(
            topic, value=value, key=key, headers=headers, partition=partition, timestamp_ms=timestamp_ms
        )
        sent.add_errback(self._failures.append)
        return sent

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self._producer.close()
