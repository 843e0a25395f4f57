"""How far a move is, on a topic of its own: while it is there, no worker starts, and whoever begins again goes on."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import msgspec
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from engine.errors import StateError, TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import admin, producer
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import moving_topic

_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05
_NOWHERE = -1
"""No changelog ends there."""


class Intent(msgspec.Struct, frozen=True):
    """What is being done: from so many partitions to so many, and which generation of the state that makes."""

    before: int
    to: int
    generation: int


class Copied(msgspec.Struct, frozen=True):
    """A partition of before is copied, whose changelog ended there."""

    partition: int
    end: int


_decode = msgspec.json.Decoder(Intent).decode
_decode_copied = msgspec.json.Decoder(Copied).decode


class Journal:
    """Of one move. `copied`: by partition of before, where its changelog ended that has been copied."""

    def __init__(self, settings: Settings, intent: Intent, copied: dict[int, int]) -> None:
        self._settings, self.intent, self.copied = settings, intent, copied

    @classmethod
    def begin(cls, settings: Settings, to: int) -> Self:
        """From now on no worker starts. Raises TopicError."""
        config = {"cleanup.policy": "compact"}
        intent = Intent(settings.partitions, to, settings.state_generation + 1)
        create_topic(settings, NewTopic(moving_topic(settings), 1, settings.replication, topic_configs=config))
        journal = cls(settings, intent, {})
        journal._write(b"intent", msgspec.json.encode(intent))
        return journal

    @classmethod
    def read(cls, settings: Settings) -> Self | None:
        """Of a move that is under way, if one is. Raises TopicError, StateError."""
        with admin(settings) as client:
            if moving_topic(settings) not in client.list_topics():
                return None
        intent, copied = Intent(settings.partitions, 0, settings.state_generation + 1), dict[int, int]()
        for record in read_all(settings, moving_topic(settings)):
            try:
                if record.key == b"intent":
                    intent = _decode(record.value)
                else:
                    one = _decode_copied(record.value)
                    copied[one.partition] = one.end
            except msgspec.MsgspecError as error:
                raise StateError(f"{moving_topic(settings)} cannot be read: {error}") from error
        return cls(settings, intent, {partition: end for partition, end in copied.items() if end != _NOWHERE})

    def note_copied(self, partition: int, end: int) -> None:
        """One partition is copied. Raises TopicError."""
        self._note(partition, end)
        self.copied[partition] = end

    def forget_copied(self) -> None:
        """The copies go, or are gone: who goes on with this move begins with all partitions. Raises TopicError."""
        for partition in list(self.copied):
            self._note(partition, _NOWHERE)
        self.copied.clear()

    def note_intent(self, to: int) -> None:
        """What was begun, and died before it could say to what end."""
        self.intent = msgspec.structs.replace(self.intent, to=to)
        self._write(b"intent", msgspec.json.encode(self.intent))

    def end(self) -> None:
        """Workers may start again. Raises TopicError."""
        delete_topic(self._settings, moving_topic(self._settings))

    def _note(self, partition: int, end: int) -> None:
        self._write(f"copied/{partition}".encode(), msgspec.json.encode(Copied(partition, end)))

    def _write(self, key: bytes, value: bytes) -> None:
        client = producer(self._settings)
        try:
            client.send(moving_topic(self._settings), value, key, partition=0).get(timeout=30)
        except KafkaError as error:
            raise TopicError(f"{moving_topic(self._settings)} cannot be written: {error!r}") from error
        finally:
            client.close()


def create_topic(settings: Settings, topic: NewTopic) -> None:
    """Make a topic where there is none, and wait until it can be written. Raises TopicError."""
    with admin(settings) as client:
        try:
            client.create_topics([topic])
        except TopicAlreadyExistsError:
            pass  # an earlier attempt has made it
        except KafkaError as error:
            raise TopicError(f"the topic {topic.name} could not be created: {error}") from error
        wait_for(lambda: partitions_of(client, topic.name) == topic.num_partitions, f"{topic.name} is not there")


def delete_topic(settings: Settings, name: str) -> None:
    """Delete a topic, and wait until it is gone. Raises TopicError.

    Where brokers make topics of themselves, a client that asks late for one that it has read makes it again: so does
    a request that was under way."""

    def is_gone() -> bool:
        if name not in client.list_topics():
            return True
        with suppress(KafkaError):
            client.delete_topics([name])
        return False

    with admin(settings) as client:
        try:
            client.delete_topics([name])
        except UnknownTopicOrPartitionError:
            return
        except KafkaError as error:
            raise TopicError(f"the topic {name} could not be deleted: {error}") from error
        wait_for(is_gone, f"{name} does not go")


def partitions_of(client: KafkaAdminClient, topic: str) -> int:
    """How many partitions of a topic have a leader; 0 where there is none."""
    try:
        (described,) = client.describe_topics([topic])
    except KafkaError:
        return 0
    return sum(not one["error_code"] and one["leader_id"] >= 0 for one in described["partitions"])


def has_partitions(client: KafkaAdminClient, topic: str) -> int:
    """How many partitions a topic has, also those whose brokers are away; 0 where there is none. Raises TopicError."""
    try:
        (described,) = client.describe_topics([topic])
    except UnknownTopicOrPartitionError:
        return 0
    except KafkaError as error:
        raise TopicError(f"the topic {topic} could not be looked at: {error!r}") from error
    if described["error_code"] not in (0, UnknownTopicOrPartitionError.errno):
        raise TopicError(f"the topic {topic} could not be looked at: error {described['error_code']}")
    return len(described["partitions"])


def wait_for(condition: Callable[[], bool], trouble: str) -> None:
    """Until a condition holds. Raises TopicError, saying what the trouble is, where it does not hold for long."""
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise TopicError(f"{trouble}, after {_WITHIN_S:g} s: are all brokers up? Run this again")
        time.sleep(_LOOK_EVERY_S)
