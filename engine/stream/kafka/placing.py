"""Where Kafka's clients send a key: what is sent by its key, and what is looked for in a partition, has one place."""

from collections.abc import Callable
from functools import lru_cache

from aiokafka import partitioner

from engine.core.kernel import compiled

Place = Callable[[bytes], int]
"""Gives the partition of a key."""

_REMEMBERED_KEYS = 100_000

_murmur2: Callable[[bytes], int] = (compiled("engine.core._kernel") or partitioner).murmur2


@lru_cache(_REMEMBERED_KEYS)
def partition_of_key(key: bytes, partitions: tuple[int, ...]) -> int:
    """The partition of a key among all of a topic's, in order. Remembered, as murmur2 in Python takes its time."""
    return partitions[(_murmur2(key) & 0x7FFFFFFF) % len(partitions)]


def among(partitions: int) -> Place:
    """Where keys are sent in a topic with so many partitions."""
    every = tuple(range(partitions))
    return lambda key: partition_of_key(key, every)
