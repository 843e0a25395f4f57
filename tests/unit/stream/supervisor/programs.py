"""Small programs in place of workers, and how they are waited for."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from engine.stream.supervisor.backoff import Backoff

WAITS = "sys.stdin.read()"
"""Until its supervisor ends, or a signal comes."""
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN); started(); sys.stdin.read()"


def program(directory: Path, body: str) -> list[str]:
    """A command. In `body`, `number` and `settings` are what it is given; `started()` leaves one more character in a
    file."""
    text = (
        "import pathlib, signal, sys\nnumber, settings = int(sys.argv[1]), sys.stdin.readline()\n"
        f"def started(name='started', text='x'): pathlib.Path({str(directory)!r}, name).open('a').write(text)\n{body}\n"
    )
    return [sys.executable, "-c", text]


def written(directory: Path, name: str = "started") -> str:
    """What programs have left in a file."""
    path = directory / name
    return path.read_text() if path.exists() else ""


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # of files and processes no event tells
            await asyncio.sleep(0.01)


class Steady(Backoff):
    """Always as long."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(lambda: 0.0)
        self._wait_s = wait_s

    def note_end(self) -> float:
        """So long."""
        return self._wait_s
