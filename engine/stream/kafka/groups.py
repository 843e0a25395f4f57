"""Consumer groups, as the brokers know them."""

import time
from typing import Any

from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    KafkaError,
    NotCoordinatorError,
)

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka.clients import admin

_LOADED_WITHIN_S, _AGAIN_AFTER_S = 30.0, 0.2
"""A broker that has just taken a group over reads what is known of it before it says anything."""


def read_group(settings: Settings, name: str) -> tuple[Any, Any]:
    """A consumer group, and its offsets. Raises BrokerError."""
    until_s = time.monotonic() + _LOADED_WITHIN_S
    try:
        with admin(settings) as client:
            while True:
                try:
                    return client.describe_groups([name])[name], client.list_group_offsets([name])[name]
                except (CoordinatorLoadInProgressError, NotCoordinatorError):
                    if time.monotonic() > until_s:
                        raise
                    time.sleep(_AGAIN_AFTER_S)
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):  # as before the first worker's first start
        return {"group_state": "without workers", "members": []}, {}
    except (KafkaError, KeyError) as error:
        raise BrokerError(f"the group {name} could not be described: {error!r}") from error
