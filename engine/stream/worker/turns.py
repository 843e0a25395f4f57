"""Whose turn it is: a worker that is behind has read much of each partition, and its events meet at shared entities."""

import asyncio
import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faust.types import TP

_STRETCH_S = 0.005
"""What is computed faster than this goes out with what is computed next."""
_ROUNDS = 5
"""So often the loop goes round until what was begun is on its way to the broker (aiokafka, producer/sender.py)."""


_MOST_BYTES = 2 << 20
"""A batch has no more. A long text takes a millisecond for each kilobyte: four thousand of them would hold up the loop,
and with it the heartbeats, for longer than a session, and the worker that comes after would fare no better."""


def in_order_of_arrival(fetched: Mapping[TP, Sequence[Any]], size: int) -> Iterator[tuple[TP, Sequence[Any]]]:
    """What was fetched as batches of at most so many records, always of the partition whose next record came first.

    A producer that lies about its records' times only puts its own partition behind the others of this fetch."""
    waiting = [(_arrival(records, 0), place, 0) for place, records in enumerate(fetched.values()) if records]
    partitions = list(fetched.items())
    heapq.heapify(waiting)
    while waiting:
        _, place, start = heapq.heappop(waiting)
        tp, records = partitions[place]
        end = _end(records, start, size)
        yield tp, records[start:end]
        if end < len(records):
            heapq.heappush(waiting, (_arrival(records, end), place, end))


def _end(records: Sequence[Any], start: int, size: int) -> int:
    """Where a batch ends that begins there: behind one record at least."""
    most, taken = min(start + size, len(records)), 0
    for at in range(start, most):
        taken += len(records[at].value or b"")
        if taken > _MOST_BYTES:
            return max(at, start + 1)
    return most


def _arrival(records: Sequence[Any], at: int) -> int:
    return records[at].timestamp or 0


async def give_way(taken_s: float) -> None:
    """After a batch that took so long: let it go out while the next one is computed, where it is worth a request."""
    if taken_s > _STRETCH_S:
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
