"""The broker's topics."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.dev.broker.log import PartitionLog

_LEGAL = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """How the broker behaves. `retention_bytes` is per partition; below 0 keeps everything."""

    host: str = "127.0.0.1"
    port: int = 0
    default_partitions: int = 4
    auto_create_topics: bool = True
    retention_bytes: int = 256_000_000
    max_message_bytes: int = 10_485_760


@dataclass(slots=True)
class Topic:
    """A topic's partitions and its configuration as it was given."""

    name: str
    config: dict[str, str]
    partitions: list[PartitionLog] = field(default_factory=list)


class Topics:
    """All topics, by name."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self.by_name: dict[str, Topic] = {}

    @staticmethod
    def legal(name: str) -> bool:
        """Whether Kafka would accept this name."""
        return bool(_LEGAL.fullmatch(name)) and name not in (".", "..")

    def create(self, name: str, partitions: int = -1, config: Mapping[str, str] | None = None) -> Topic:
        """A new topic; `partitions` -1 takes the broker's default."""
        topic = self.by_name[name] = Topic(name, dict(config or {}))
        self.grow(topic, self._settings.default_partitions if partitions == -1 else partitions)
        return topic

    def grow(self, topic: Topic, partitions: int) -> None:
        """Add partitions up to a number."""
        for index in range(len(topic.partitions), partitions):
            topic.partitions.append(PartitionLog(topic.name, index, self.retention_bytes(topic)))

    def delete(self, name: str) -> bool:
        """Forget a topic; whoever waits for its data is woken."""
        topic = self.by_name.pop(name, None)
        for partition in topic.partitions if topic else ():
            partition.wake()
        return topic is not None

    def partition(self, name: str, index: int) -> PartitionLog | None:
        """One partition, or None."""
        topic = self.by_name.get(name)
        return topic.partitions[index] if topic and 0 <= index < len(topic.partitions) else None

    def configure(self, topic: Topic, config: Mapping[str, str]) -> None:
        """Change a topic's configuration."""
        topic.config.update(config)
        for partition in topic.partitions:
            partition.retention_bytes = self.retention_bytes(topic)

    def retention_bytes(self, topic: Topic) -> int:
        """A topic's own retention, or the broker's. Compacted topics keep everything."""
        if "compact" in topic.config.get("cleanup.policy", ""):
            return -1
        return int(topic.config.get("retention.bytes", self._settings.retention_bytes))

    def max_message_bytes(self, topic: str) -> int:
        """The largest batch that a topic accepts."""
        return int(self.by_name[topic].config.get("max.message.bytes", self._settings.max_message_bytes))
