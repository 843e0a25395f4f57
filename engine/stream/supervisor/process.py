"""One worker process: started, and started again whenever it has ended."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import structlog

from engine.settings import Settings
from engine.stream.supervisor.backoff import Backoff

CANNOT_START = 2
"""With which a worker ends that has met an error of its settings, its topics or its disk, and has said which."""

_WELL = (0, -signal.SIGTERM)
"""The second: told to stop before it had begun."""

_log = structlog.stdlib.get_logger("floodgate")


class WorkerProcess:
    """Runs `command` with its number behind. It gets its settings as one line on its standard input, which stays open:
    where that ends, the supervisor has ended, in whatever way."""

    def __init__(self, number: int, settings: Settings, command: Sequence[str], backoff: Backoff) -> None:
        self.number, self.settings = number, settings
        self.starts = 0
        self.exit_code: int | None = None
        """Of its last run; None while it runs, and before the first."""
        self.has_ended_well = True
        """Unless it had to be ended, or failed, after it was told to end."""
        self._command, self._backoff = command, backoff
        self._process: Process | None = None
        self._must_end = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None

    async def keep_running(self, on_end: Callable[[], None]) -> None:
        """Until it is told to end. `on_end` is called whenever it has ended by itself."""
        while not self._must_end.is_set():
            await self._run_once()
            wait_s = self._backoff.note_end()
            if self._must_end.is_set():
                self.has_ended_well = self.exit_code in _WELL
                return
            self._tell_end(wait_s)
            on_end()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._must_end.wait()

    def end(self) -> None:
        """Let it finish what is under way, and do not start it again."""
        self._must_end.set()
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._must_end.set()
        self._send(signal.SIGKILL)

    async def _run_once(self) -> None:
        self.starts += 1
        self.exit_code = None
        self._backoff.note_start()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(self.number),
                stdin=PIPE,
                start_new_session=True,  # what a terminal sends to all (Ctrl+C) reaches the supervisor alone
                env={**os.environ, "PROMETHEUS_DISABLE_CREATED_SERIES": "true"},  # they are half of a page
            )
        except OSError as error:  # no memory, no more processes
            _log.error("a worker process cannot be started", worker_process=self.number, error=str(error))
            self.exit_code = 1
            return
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self.settings) + b"\n")
        self._process = process
        if self._must_end.is_set():  # told while it was being started
            self._send(signal.SIGTERM)
        self.exit_code = await process.wait()
        self._process = None
        process.stdin.close()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _tell_end(self, wait_s: float) -> None:
        code = self.exit_code or 0
        how = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
        text = "could not start: its error stands above" if code == CANNOT_START else "has ended"
        _log.error(f"a worker process {text}", worker_process=self.number, **how, starts_again_in_s=wait_s)
