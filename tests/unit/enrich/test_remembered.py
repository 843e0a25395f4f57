"""Answers that are remembered."""

import asyncio
from typing import Any

from engine.enrich.remembered import Remembered


def test_the_least_used_goes_and_what_is_old_is_asked_again() -> None:
    now, asked = [0.0], list[str]()

    async def go() -> None:
        remembered = Remembered(2, 10, lambda: now[0])

        async def get(key: str) -> None:
            async def ask() -> Any:
                asked.append(key)
                return key

            assert await remembered.get(key, ask) == key

        for key in ("a", "b", "a", "c", "a", "b"):
            await get(key)
        now[0] = 10.0
        await get("b")

    asyncio.run(go())
    assert asked == ["a", "b", "c", "b", "b"]


def test_many_who_ask_at_once_ask_once_and_go_on_where_the_first_gives_up() -> None:
    asked = []

    async def ask() -> int:
        asked.append(1)
        await asyncio.sleep(0.01)
        return len(asked)

    async def go() -> list[Any]:
        remembered = Remembered(10, 10)
        first = asyncio.create_task(remembered.get("k", ask))
        others = [asyncio.create_task(remembered.get("k", ask)) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(first, *others, return_exceptions=True)

    gave_up, *told = asyncio.run(go())
    assert (type(gave_up), told, len(asked)) == (asyncio.CancelledError, [2] * 5, 2)
