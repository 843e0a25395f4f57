"""Batches whose messages are out, until their changes of the state are written.

Nobody waits for those but whoever takes the partition over after a crash, who computes the batches again and sends what
had been sent already. So where little comes they gather for longer than messages do, and share a request and a write.
"""

import asyncio
from collections.abc import Callable, Container, Iterable
from itertools import chain
from typing import NamedTuple

from engine.stream.handlers.batches import Outcome

_MANY_CHANGES = 256
"""So many are worth their requests: they gather no longer."""


class Batch(NamedTuple):
    """An outcome under way. `finished`: called when it is durable; `release`: then, or when it failed."""

    partition: int
    outcome: Outcome
    finished: Callable[[], None]
    release: Callable[[], None]
    started_s: float


class Gathering:
    """Calls `store` when what has gathered is to be written: so long after the first of it, when it is much, or when
    somebody waits for it. `store` takes."""

    def __init__(self, linger_ms: int, store: Callable[[], None]) -> None:
        self._linger_s, self._store = linger_ms / 1_000, store
        self._batches: dict[int, list[Batch]] = {}  # by partition
        self._timer: asyncio.TimerHandle | None = None
        self._changes, self._is_awaited = 0, False

    def __bool__(self) -> bool:
        return bool(self._batches)

    def add(self, batches: Iterable[Batch]) -> None:
        """These are published."""
        for batch in batches:
            self._batches.setdefault(batch.partition, []).append(batch)
            self._changes += len(batch.outcome.changes)
        if self._is_awaited or not self._linger_s or self._changes >= _MANY_CHANGES:
            self._store()
        elif self._timer is None and self._batches:
            self._timer = asyncio.get_running_loop().call_later(self._linger_s, self._store)

    def is_due(self) -> bool:
        """Whether nothing of it has to gather any longer: a part could not be taken when it was to be written."""
        return self._timer is None

    def hasten(self) -> None:
        """Somebody waits for it, and for what is added to it, until `relax`."""
        self._is_awaited = True
        self._store()

    def relax(self) -> None:
        """Nobody waits for it any more."""
        self._is_awaited = False

    def take(self, busy: Container[int] = ()) -> dict[int, list[Batch]]:
        """All that has gathered, by partition in their order, without those that are busy: these stay, and are due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        free = [partition for partition in sorted(self._batches) if partition not in busy]
        taken = {partition: self._batches.pop(partition) for partition in free}
        self._changes -= sum(len(batch.outcome.changes) for batch in chain.from_iterable(taken.values()))
        return taken
