"""All partitions of some topics, for one consumer of aiokafka's that does not share them."""

from typing import NamedTuple

import kafka
from aiokafka import TopicPartition

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import consumer


class Extent(NamedTuple):
    """What a partition has: from the first offset to the last one, which is excluded."""

    start: int
    end: int


def read_extents(settings: Settings, topics: list[str]) -> dict[TopicPartition, Extent]:
    """Of each partition. Raises BrokerError, and TopicError where a topic does not exist.

    A consumer of aiokafka's tells partitions only of what it has been assigned, and fails when it is assigned twice in
    a group (aiokafka/consumer/group_coordinator.py, `_coordination_routine`)."""
    with consumer(settings) as client:
        tps = []
        for topic in topics:
            numbers = client.partitions_for_topic(topic)
            if not numbers:
                raise TopicError(f"topic {topic} does not exist. Run `floodgate topics create`")
            tps += [kafka.TopicPartition(topic, number) for number in sorted(numbers)]
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
    return {TopicPartition(tp.topic, tp.partition): Extent(starts[tp], ends[tp]) for tp in tps}
