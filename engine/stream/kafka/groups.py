"""Consumer groups, as the brokers know them.

Three answers look alike. A broker whose offsets topic does not exist yet has no coordinator, and has never had a group:
Apache Kafka makes that topic when the first group is asked for. (The embedded broker has none: it always answers.) One
whose offsets topic is being moved, or has lost its leader, has no coordinator for now, and perhaps groups with members.
And a coordinator that still reads what it has taken over describes each group as one without members.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from kafka.admin import KafkaAdminClient
from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    KafkaError,
    UnknownTopicOrPartitionError,
    for_code,
)

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.passing import until_it_passes

_Answer = TypeVar("_Answer")

_GROUPS = "__consumer_offsets"
_ERROR = re.compile(r"\[Error (-?[0-9]+)\]")


def read_group(settings: Settings, name: str) -> tuple[Any, Any]:
    """A consumer group, and its offsets; one without members where there has never been any. Raises BrokerError."""
    nobody: Any = {"group_state": "without workers", "members": []}  # as before the first worker's first start
    return _asked(settings, name, lambda client: (_described(client, name), _offsets(client, name)), (nobody, {}))


def read_offsets(settings: Settings, name: str) -> Any:
    """The offsets of a consumer group; none where there has never been one. Raises BrokerError: what is not known yet
    is not taken for nothing."""
    return _asked(settings, name, lambda client: _offsets(client, name), {})


def _asked(settings: Settings, name: str, ask: Callable[[KafkaAdminClient], _Answer], nobody: _Answer) -> _Answer:
    """`nobody`: the answer where there has never been one."""

    def ask_anew() -> _Answer:
        with admin(settings) as client:
            try:
                return ask(client)
            except CoordinatorNotAvailableError:
                if _can_have_groups(client):
                    raise
                return nobody

    try:
        return until_it_passes(ask_anew)
    except GroupIdNotFoundError:
        return nobody
    except CoordinatorNotAvailableError as error:
        raise BrokerError(
            f"the group {name} could not be described: no broker answers for it ({error!r}): see whether all brokers "
            f"run, and whether {_GROUPS} has a leader"
        ) from error
    except (KafkaError, KeyError) as error:
        raise BrokerError(f"the group {name} could not be described: {error!r}") from error


def _described(client: KafkaAdminClient, name: str) -> Any:
    """Raises what kafka-python (3.0.12, kafka/admin/_groups.py, `_describe_groups_process_response`) puts as a text in
    the place of a group: it has no members then, though there may be some."""
    group = client.describe_groups([name])[name]
    if (told := _ERROR.match(group.get("error") or "")) is not None:
        raise for_code(int(told[1]))(name)
    return group


def _offsets(client: KafkaAdminClient, name: str) -> Any:
    return client.list_group_offsets([name])[name]


def _can_have_groups(client: KafkaAdminClient) -> bool:
    """Whether there may be what brokers keep of groups; also where that is not ours to see."""
    (topic,) = client.describe_topics([_GROUPS])
    return bool(topic["error_code"] != UnknownTopicOrPartitionError.errno)
