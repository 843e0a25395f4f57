"""Whether a service is left alone for now.

What people write can make a service fail: were it left alone for that, a few such messages would exempt everybody's. So
after several failures in a row it is asked about an example that none of them wrote. Only if that fails too is it left
alone.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from engine.enrich.classifiers.options import BreakerOptions

_log = structlog.stdlib.get_logger("floodgate")


class Breaker:
    """`answers`: asks the service about the example, and says whether it has answered; it raises nothing."""

    def __init__(self, options: BreakerOptions, answers: Callable[[], Awaitable[bool]]) -> None:
        self._options, self._answers = options, answers
        self._failures, self._is_stopped = 0, False
        self._looking: asyncio.Task[None] | None = None
        self.is_open = False
        """Whether the service is left alone."""

    def note(self, has_failed: bool) -> None:
        """A request has failed, or it has been answered."""
        self._failures = self._failures + 1 if has_failed else 0
        if self._failures >= self._options.failures and self._looking is None and not self._is_stopped:
            self._failures = 0
            self._looking = asyncio.ensure_future(self._look())

    async def stop(self) -> None:
        """Ask no more."""
        self._is_stopped = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while not await self._answers():
                if not self.is_open:
                    _log.warning("a classifier is left alone until it answers", every_s=self._options.seconds)
                self.is_open = True
                await asyncio.sleep(self._options.seconds)
            if self.is_open:
                _log.info("a classifier answers again")
        finally:
            self.is_open, self._looking = False, None
