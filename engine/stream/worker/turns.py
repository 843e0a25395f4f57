"""Whose turn it is: a worker that is behind has read much of each partition, and its events meet at shared entities."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faust.types import TP

STRIDE = 1_000
"""So many records of one partition are computed before another with older ones has its turn. Events come as late as
that at an entity, and full counters forget what late ones need."""


def in_order_of_arrival(fetched: Mapping[TP, Sequence[Any]], most: int) -> Iterator[tuple[TP, Sequence[Any]]]:
    """What was fetched as batches of at most `most` records, always of the partition whose next record came first.

    A producer that lies about its records' times only puts its own partition behind the others of this fetch."""
    waiting = [(_arrival(records, 0), place, 0) for place, records in enumerate(fetched.values()) if records]
    partitions, stride = list(fetched.items()), min(most, STRIDE)
    heapq.heapify(waiting)
    while waiting:
        _, place, start = heapq.heappop(waiting)
        tp, records = partitions[place]
        end = start + (stride if waiting else most)
        yield tp, records[start:end]
        if end < len(records):
            heapq.heappush(waiting, (_arrival(records, end), place, end))


def _arrival(records: Sequence[Any], at: int) -> int:
    return records[at].timestamp or 0
