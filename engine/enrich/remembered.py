"""Answers that are remembered for a while, and asked for once by however many events at the same time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any


class Remembered:
    """So many answers, each for so long; the least used goes first. What raises is not remembered."""

    def __init__(self, entries: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries, self._seconds, self._clock = entries, seconds, clock
        self._known: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer; `ask` is called where it is not known. Who asks for what another has just asked for waits for
        that one's answer, and asks again where that one has none: its time may have been over sooner."""
        while True:
            known = self._known.get(key)
            if known is not None and known[0] > self._clock():
                self._known.move_to_end(key)
                return known[1]
            asked = self._asked.get(key)
            if asked is None:
                return await self._ask(key, ask)
            await asyncio.wait([asked])

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        asked = self._asked[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await ask()
        finally:
            del self._asked[key]
            asked.set_result(None)
        if self._entries:
            self._known[key] = self._clock() + self._seconds, answer
            self._known.move_to_end(key)
            if len(self._known) > self._entries:
                self._known.popitem(last=False)
        return answer
