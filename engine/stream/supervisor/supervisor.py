"""Several workers on one machine, each a process of its own, so that all cores are used.

This process stays small: it knows nothing of Faust, and no event passes through it.
"""

import asyncio
import logging.config
import signal
import time
from collections.abc import Sequence

import structlog

from engine.settings import Settings
from engine.stream.supervisor.backoff import Backoff
from engine.stream.supervisor.pages import Pages
from engine.stream.supervisor.process import CANNOT_START, WorkerProcess
from engine.stream.worker.logs import logging_config

_BEYOND_S = 5.0
"""A worker ends by force after `stop_timeout_s`; one that cannot even do that is killed so much later."""

_log = structlog.stdlib.get_logger("floodgate")


def supervise(settings: Settings, own: Sequence[Settings], command: Sequence[str]) -> int:
    """Run a worker for each of `own` until SIGTERM or SIGINT comes; the exit code. A second signal kills them.

    `command` starts a worker; its number comes behind. Ends by itself, with a worker's exit code, when no worker can
    start. Raises OSError where `web_port` is taken.
    """
    logging.config.dictConfig(logging_config(settings.log_level, settings.log_format))
    idle = len(own) - settings.partitions
    if idle > 0:
        _log.warning(
            "there are more worker processes than partitions: the others keep copies at most, and stand by",
            processes=len(own), partitions=settings.partitions, idle=idle,
        )  # fmt: skip
    return asyncio.run(Supervisor(settings, own, command).run())


class Supervisor:
    """Keeps the workers running."""

    def __init__(self, settings: Settings, own: Sequence[Settings], command: Sequence[str]) -> None:
        self._settings = settings
        self.workers = [
            WorkerProcess(number, each, command, Backoff(time.monotonic)) for number, each in enumerate(own, 1)
        ]
        self._must_end = asyncio.Event()

    async def run(self) -> int:
        """As `supervise`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.on_signal, number)
        async with Pages(self._settings, self.workers):
            _log.info("starting", processes=len(self.workers))
            running = [asyncio.create_task(worker.keep_running(self._note_end)) for worker in self.workers]
            await asyncio.wait([asyncio.create_task(self._must_end.wait()), *running], return_when="FIRST_COMPLETED")
            return await self._end(running)

    def on_signal(self, number: signal.Signals) -> None:
        """The first lets the workers finish what is under way, the second kills them."""
        if self._must_end.is_set():
            _log.warning("a second signal: the worker processes are killed", signal=number.name)
            for worker in self.workers:
                worker.kill()
        else:
            _log.info("the worker processes are told to stop", signal=number.name)
            self._must_end.set()

    def _note_end(self) -> None:
        if all(worker.exit_code == CANNOT_START for worker in self.workers):
            _log.error("no worker process can start; their errors stand above")
            self._must_end.set()

    async def _end(self, running: Sequence[asyncio.Task[None]]) -> int:
        cannot_start = all(worker.exit_code == CANNOT_START for worker in self.workers)
        for worker in self.workers:
            worker.end()
        _, late = await asyncio.wait(running, timeout=self._settings.stop_timeout_s + _BEYOND_S)
        if late:
            _log.error("worker processes did not stop: they are killed", processes=len(late))
            for worker in self.workers:
                worker.kill()
        await asyncio.gather(*running)
        if cannot_start:
            return CANNOT_START
        return 0 if all(worker.has_ended_well for worker in self.workers) else 1
