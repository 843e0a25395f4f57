"""What a candidate has left, and how it is removed."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from engine.errors import BrokerError, TopicError
from engine.settings import Settings
from engine.stream.kafka.candidates import own_directory, own_names
from engine.stream.kafka.clients import admin
from engine.stream.kafka.groups import read_group
from engine.stream.kafka.topics import topic_names

_NO_GROUP = ("Dead", "without workers")
_GONE = ("OK", "GroupIdNotFoundError")


class Left(msgspec.Struct, frozen=True):
    """Topics, a consumer group, a directory on this machine."""

    topics: list[str]
    group: str | None
    directory: str | None

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.topics or self.group or self.directory)


def find_left(incumbent: Settings, name: str, *, anyway: bool = False) -> Left:
    """What there is of the candidate of this name, but for what is in use since it was promoted. Raises BrokerError,
    and TopicError where its workers run, or where it may have been promoted and these settings are of before; not with
    `anyway`."""
    own, directory = own_names(incumbent, name), own_directory(incumbent, name)
    topics = sorted(own.topics & topic_names(incumbent))
    if own.group == incumbent.consumer_group:
        return Left(topics, None, None)
    group, committed = read_group(incumbent, own.group)
    if group["members"]:
        raise TopicError(f"the candidate {name} has {len(group['members'])} workers: stop them first")
    if not anyway and _is_left_behind(incumbent, committed):
        raise TopicError(
            f"the candidate {name} is further than the group {incumbent.consumer_group}, in which nobody is. If it was "
            f"promoted, use the settings that `promote` has printed: with these, the state that counts would be "
            f"deleted. If it was not, start the workers that decide first, or say --anyway"
        )
    has_group = group["group_state"] not in _NO_GROUP
    is_used = Path(incumbent.data_dir).absolute().is_relative_to(directory.absolute())
    return Left(
        topics, own.group if has_group else None, str(directory) if directory.exists() and not is_used else None
    )


def _is_left_behind(incumbent: Settings, committed: Any) -> bool:
    """Whether nobody decides by these settings, and others went on from where those of before have stopped."""
    group, reached = read_group(incumbent, incumbent.consumer_group)
    events = [tp for tp in committed if tp.topic == incumbent.topics.events]
    return not group["members"] and any(tp not in reached or reached[tp].offset < committed[tp].offset for tp in events)


def remove(incumbent: Settings, left: Left) -> None:
    """Delete what a candidate has left; called again, what an error has left over. Raises BrokerError, OSError."""
    with admin(incumbent) as client:
        for topic in left.topics:
            try:
                client.delete_topics([topic])
            except UnknownTopicOrPartitionError:
                continue  # somebody was faster
            except KafkaError as error:
                raise BrokerError(f"the topic {topic} could not be deleted: {error!r}") from error
        if left.group is not None:
            try:
                answers = dict(client.delete_groups([left.group]))
            except KafkaError as error:
                raise BrokerError(f"the group {left.group} could not be deleted: {error!r}") from error
            if answers.get(left.group) not in _GONE:
                raise BrokerError(f"the group {left.group} could not be deleted: {answers.get(left.group)}")
    if left.directory is not None:
        shutil.rmtree(left.directory)
