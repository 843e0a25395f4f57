"""Where Kafka's clients send a key: what is sent by its key, and what is looked for in a partition, has one place."""

from collections.abc import Callable
from functools import lru_cache

from aiokafka import partitioner

from engine.core.kernel import compiled

Place = Callable[[bytes], int]
"""Gives the partition of a key."""

_REMEMBERED_KEYS = 100_000


def _murmur2() -> Callable[[bytes], int]:
    """MurmurHash2 of a key; that in Python takes its time and is remembered."""
    kernel = compiled("engine.core._kernel")
    return kernel.murmur2 if kernel is not None else lru_cache(_REMEMBERED_KEYS)(partitioner.murmur2)


_hash = _murmur2()


def partition_of_key(key: bytes, partitions: tuple[int, ...]) -> int:
    """The partition of a key among all of a topic's, in order."""
    return partitions[(_hash(key) & 0x7FFFFFFF) % len(partitions)]


def among(partitions: int) -> Place:
    """Where keys are sent in a topic with so many partitions."""
    return lambda key: (_hash(key) & 0x7FFFFFFF) % partitions
