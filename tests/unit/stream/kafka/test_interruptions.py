"""What is interrupted is begun again, and ends when it is told to."""

import asyncio

import pytest

from engine.stream.kafka import interruptions
from engine.stream.kafka.interruptions import LEAST_PAUSE_S, until_stopped


def test_pauses_grow_up_to_the_longest_and_are_short_again_after_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, runs_s, told = [0.0], [0.0] * 5 + [40.0, 0.0], list[float]()

    async def run() -> None:
        stopping = asyncio.Event()

        async def follow() -> None:
            now_s[0] += runs_s[len(told)]
            raise OSError("away")

        def failed(error: Exception, again_in_s: float) -> None:
            told.append(again_in_s)
            if len(told) == len(runs_s):
                stopping.set()

        await until_stopped(follow, failed, stopping, 4.0)

    async def no_pause(stopping: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("engine.stream.kafka.interruptions.time.monotonic", lambda: now_s[0])
    monkeypatch.setattr(interruptions, "pause", no_pause)
    asyncio.run(run())
    assert told == [LEAST_PAUSE_S, 1.0, 2.0, 4.0, 4.0, LEAST_PAUSE_S, 1.0]


def test_what_fails_because_it_is_stopping_is_not_told_of() -> None:
    told = list[Exception]()

    async def run() -> None:
        stopping = asyncio.Event()

        async def follow() -> None:
            stopping.set()
            raise OSError("closed")

        await until_stopped(follow, lambda error, _: told.append(error), stopping)

    asyncio.run(run())
    assert told == []


def test_a_pause_ends_when_it_is_time_to_stop() -> None:
    async def run() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_soon(stopping.set)
        await interruptions.pause(stopping, 3_600)

    asyncio.run(asyncio.wait_for(run(), 60))
