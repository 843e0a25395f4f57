"""How much may be under way: records that are computed and not yet durable."""

import asyncio


class Room:
    """Room for so many records. One task takes; whoever is done gives back."""

    def __init__(self, records: int) -> None:
        self._records, self._taken, self._given = records, 0, asyncio.Event()

    async def take(self, count: int) -> None:
        """Wait until there is room for so many, and take it. More than there is in all waits until nothing is taken."""
        while self._taken and self._taken + count > self._records:
            self._given.clear()
            await self._given.wait()
        self._taken += count

    def give(self, count: int) -> None:
        """These are done."""
        self._taken -= count
        self._given.set()
