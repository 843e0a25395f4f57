"""How much may be under way: records that are computed and not yet durable."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any


class Room:
    """Room for so many records. One task takes; whoever is done gives back. `size_of`: what records take, where that is
    not their number; `full`: called when somebody has to wait."""

    def __init__(
        self, records: int, size_of: Callable[[Sequence[Any]], int] = len, full: Callable[[], None] = lambda: None
    ) -> None:
        self._records, self._taken, self._given = records, 0, asyncio.Event()
        self.size_of, self._full = size_of, full

    async def take(self, count: int) -> None:
        """Wait until there is room for so many, and take it. More than there is in all waits until nothing is taken."""
        while self._taken and self._taken + count > self._records:
            self._given.clear()
            self._full()
            await self._given.wait()
        self._taken += count

    def give(self, count: int) -> None:
        """These are done."""
        self._taken -= count
        self._given.set()
