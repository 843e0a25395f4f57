"""Consumer groups, as the brokers know them."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from kafka.admin import KafkaAdminClient
from kafka.errors import GroupIdNotFoundError, KafkaError, for_code

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.passing import until_it_passes

_Answer = TypeVar("_Answer")

_ERROR = re.compile(r"\[Error (-?[0-9]+)\]")


def read_group(settings: Settings, name: str) -> tuple[Any, Any]:
    """A consumer group, and its offsets. Raises BrokerError."""
    return _asked(settings, name, lambda client: (_described(client, name), _offsets(client, name)))


def read_offsets(settings: Settings, name: str) -> Any:
    """The offsets of a consumer group; none where there has never been one. Raises BrokerError: what is not known yet
    is not taken for nothing."""
    return _asked(settings, name, lambda client: _offsets(client, name))


def _asked(settings: Settings, name: str, ask: Callable[[KafkaAdminClient], _Answer]) -> _Answer:
    def ask_anew() -> _Answer:
        with admin(settings) as client:
            return ask(client)

    try:
        return until_it_passes(ask_anew)
    except (KafkaError, KeyError) as error:
        raise BrokerError(f"the group {name} could not be described: {error!r}") from error


def _described(client: KafkaAdminClient, name: str) -> Any:
    """Raises what kafka-python (3.0.12, kafka/admin/_groups.py, `_describe_groups_process_response`) puts as a text in
    the place of a group: it has no members then, though there may be some."""
    group = client.describe_groups([name])[name]
    told = _ERROR.match(group.get("error") or "")
    error = for_code(int(told[1])) if told is not None else None
    if error is GroupIdNotFoundError:  # as before the first worker's first start
        return {"group_state": "without workers", "members": []}
    if error is not None:
        raise error(name)
    return group


def _offsets(client: KafkaAdminClient, name: str) -> Any:
    try:
        return client.list_group_offsets([name])[name]
    except GroupIdNotFoundError:
        return {}
