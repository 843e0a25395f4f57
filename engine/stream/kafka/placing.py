"""Where Kafka's clients send a key: what is sent by its key, and what is looked for in a partition, has one place."""

from collections.abc import Callable
from functools import lru_cache

from aiokafka.partitioner import DefaultPartitioner

Place = Callable[[bytes], int]
"""Gives the partition of a key."""

_REMEMBERED_KEYS = 100_000

_default_partitioner = DefaultPartitioner()


@lru_cache(_REMEMBERED_KEYS)
def partition_of_key(key: bytes, partitions: tuple[int, ...]) -> int:
    """The partition of a key among all of a topic's, in order. Remembered, as murmur2 in Python takes its time."""
    chosen: int = _default_partitioner(key, partitions, partitions)
    return chosen


def among(partitions: int) -> Place:
    """Where keys are sent in a topic with so many partitions."""
    every = tuple(range(partitions))
    return lambda key: partition_of_key(key, every)
