"""What brokers, or stores of files, that are away interrupt is begun again, after pauses that grow."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

LEAST_PAUSE_S = 0.5


async def until_stopped(
    follow: Callable[[], Awaitable[None]], failed: Callable[[Exception, float], None], stopping: asyncio.Event,
    longest_pause_s: float = 30.0,
) -> None:  # fmt: skip
    """Follow until `stopping` is set. `failed` is told of whatever `follow` raises, and after how many seconds it is
    begun again: twice as many each time, and few again once it has gone on for longer than the longest pause."""
    pause_s = LEAST_PAUSE_S
    while not stopping.is_set():
        began = time.monotonic()
        try:
            await follow()
        except Exception as error:  # whatever it is: others go on, and so does this, later
            if stopping.is_set():
                return
            if time.monotonic() - began > longest_pause_s:
                pause_s = LEAST_PAUSE_S
            failed(error, pause_s)
            await pause(stopping, pause_s)
            pause_s = min(2 * pause_s, longest_pause_s)


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, unless it is time to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
