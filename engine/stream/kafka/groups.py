"""Consumer groups, as the brokers know them."""

from typing import Any

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, KafkaError

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka.clients import admin


def read_group(settings: Settings, name: str) -> tuple[Any, Any]:
    """A consumer group, and its offsets. Raises BrokerError."""
    try:
        with admin(settings) as client:
            return client.describe_groups([name])[name], client.list_group_offsets([name])[name]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):  # as before the first worker's first start
        return {"group_state": "without workers", "members": []}, {}
    except (KafkaError, KeyError) as error:
        raise BrokerError(f"the group {name} could not be described: {error!r}") from error
