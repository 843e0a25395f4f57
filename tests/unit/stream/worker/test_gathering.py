"""When what is published is written: in time, when it is much, when it is waited for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from engine.stream.handlers.batches import Outcome
from engine.stream.worker.gathering import Batch, Gathering

FOR_EVER_MS = 3_600_000


def batch(partition: int = 0, changes: int = 1) -> Batch:
    return Batch(partition, Outcome(changes=[(b"k", b"v")] * changes), lambda: None, lambda: None, 0.0)


class Told(list[str]):
    """What has been asked for, in its order. `any`: set by the first."""

    def __init__(self) -> None:
        super().__init__()
        self.any = asyncio.Event()


def gathering(linger_ms: int, do: Callable[[Gathering, Told], Any]) -> list[str]:
    told = Told()

    async def run() -> None:
        def store() -> None:
            told.append(f"store {sorted(gathered.take())}")
            told.any.set()

        gathered = Gathering(linger_ms, store)
        await do(gathered, told)

    asyncio.run(run())
    return told


def test_it_is_written_once_some_time_after_the_first_of_it() -> None:
    async def do(gathering: Gathering, told: Told) -> None:
        gathering.add([batch(1)])
        gathering.add([batch(0), batch(1)])
        assert (bool(gathering), gathering.is_due(), told) == (True, False, [])
        async with asyncio.timeout(60):
            await told.any.wait()
        assert (bool(gathering), gathering.is_due()) == (False, True)
        gathering.add([batch(2)])
        assert told == ["store [0, 1]"]

    assert gathering(5, do) == ["store [0, 1]"]


@pytest.mark.parametrize(("changes", "told"), [((100, 155), []), ((100, 156), ["store [0, 1]"])])
def test_much_is_written_at_once(changes: tuple[int, int], told: list[str]) -> None:
    async def do(gathering: Gathering, _: Told) -> None:
        for _again in range(2):  # what has been taken does not count
            gathering.add([batch(changes=changes[0])])
            gathering.add([batch(1, changes=changes[1])])
            gathering.take()

    assert gathering(FOR_EVER_MS, do) == told * 2


def test_nothing_gathers_where_there_is_no_time_for_it() -> None:
    async def do(gathering: Gathering, _: Told) -> None:
        gathering.add([batch(3)])

    assert gathering(0, do) == ["store [3]"]


def test_who_waits_has_it_written_and_what_comes_after_it() -> None:
    async def do(gathering: Gathering, _: Told) -> None:
        gathering.add([batch(1)])
        gathering.hasten()
        gathering.add([batch(2)])
        gathering.relax()
        gathering.add([batch(3)])

    assert gathering(FOR_EVER_MS, do) == ["store [1]", "store [2]"]


def test_what_cannot_be_taken_yet_is_due() -> None:
    async def do(gathering: Gathering, _: Told) -> None:
        first, second, third = batch(0), batch(1), batch(0)
        gathering.add([second, first, third])
        assert not gathering.is_due()
        assert gathering.take({1}) == {0: [first, third]}
        assert (gathering.is_due(), bool(gathering)) == (True, True)
        assert gathering.take() == {1: [second]}

    assert gathering(FOR_EVER_MS, do) == []
