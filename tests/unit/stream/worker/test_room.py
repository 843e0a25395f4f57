"""How much may be under way: who waits, and for what."""

import asyncio

from engine.stream.worker.room import Room


def test_who_finds_no_room_waits_until_there_is() -> None:
    async def work() -> list[str]:
        room, told = Room(10), list[str]()
        await room.take(4)
        await room.take(6)

        async def wait() -> None:
            await room.take(5)
            told.append("taken")

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        room.give(4)
        await asyncio.sleep(0)
        told.append("too little is given")
        room.give(6)
        await waiting
        return told

    assert asyncio.run(work()) == ["too little is given", "taken"]


def test_who_has_to_wait_says_so() -> None:
    async def work() -> list[str]:
        told = list[str]()

        def full() -> None:
            told.append("full")
            room.give(5)

        room = Room(10, full=full)
        for _ in range(3):
            await room.take(5)
            told.append("taken")
        return told

    assert asyncio.run(work()) == ["taken", "taken", "full", "taken"]


def test_more_than_there_is_has_room_alone() -> None:
    async def work() -> bool:
        room = Room(10)
        await room.take(50)
        waiting = asyncio.ensure_future(room.take(1))
        await asyncio.sleep(0)
        is_waiting = not waiting.done()
        room.give(50)
        await waiting
        return is_waiting

    assert asyncio.run(work())
