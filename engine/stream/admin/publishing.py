"""Publishing recorded or simulated events and labels, keyed as the workers expect them."""

import time
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec
import orjson

from engine.core.kernel import lookup
from engine.errors import EventError, PublishError, SnapshotError
from engine.learning.models import LearnedModel
from engine.learning.snapshots import seed_of, whole
from engine.settings import Settings
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.label_messages import MODEL_COMMAND, ModelCommand, Restore, translate_label
from engine.stream.handlers.messages import arrived_ms
from engine.stream.kafka.clients import producer
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.records import read_all, send_one, sending
from engine.stream.kafka.sealing import Seals
from engine.stream.kafka.signing import Signer


def publish_model_command(settings: Settings, model_command: ModelCommand) -> None:
    """Tell the trainer whether a moderator's labels count. Raises PublishError."""
    send_one(
        settings,
        settings.topics.examples,
        MODEL_COMMAND,
        msgspec.json.encode(model_command),
        "the model command",
        "model",
    )


def publish_seed(settings: Settings, name: str, model: LearnedModel, pinned: bool) -> None:
    """Let a model go on from this one. Raises PublishError."""
    model.name, number = seed_of(name), int(time.time() * 1000)
    with sending(settings, "model", "the model could not be published") as messages:
        for name_of_part, value in whole(model, number):
            messages.send(settings.topics.models, name_of_part.encode(), value, 0)
    publish_model_command(settings, Restore(name, number, pinned))


def read_models(settings: Settings) -> dict[str, LearnedModel]:
    """The models as they were published last. Raises TopicError."""
    models, seals, publishers = FollowedModels(), Seals(settings), Publishers(settings)
    for record in read_all(settings, settings.topics.models):
        if record.key and record.value and is_a_workers_or(record, "model", seals, publishers):
            with suppress(SnapshotError):  # the workers refuse it too
                models.receive(record.key.decode("utf-8", "replace"), record.value)
    return {name: follower.model() for name, follower in models.followers.items() if follower.head is not None}


def read_model(settings: Settings, name: str) -> LearnedModel:
    """One model as it was published last. Raises TopicError, and SnapshotError where none has this name."""
    models = read_models(settings)
    if name not in models:
        raise SnapshotError(f"there is no model `{name}`; published are: {', '.join(models) or 'none'}")
    return models[name]


class Publisher:
    """Sends events by their user, and labels to where their event went. A context manager that flushes.
    `events_topic`: where events go; without it to `events`, behind the stage that may be before it."""

    def __init__(self, settings: Settings, events_topic: str | None = None) -> None:
        self._settings, self._events_topic = settings, events_topic or settings.topics.events
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
        sent = self._send(self._events_topic, value, key, timestamp_ms=arrived)
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
