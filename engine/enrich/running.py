"""One enricher at work: so many events at a time, each within its limit, and nothing that it does stops anybody."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import structlog

from engine.enrich.answers import Missing
from engine.enrich.enricher import Enricher, RawEvent, Surroundings
from engine.enrich.remembered import Remembered
from engine.enrichment_settings import EnricherSettings, RestSettings

_log = structlog.stdlib.get_logger("floodgate")


class Rest:
    """Leaves an enricher alone for a while that has failed several times in a row. Afterwards one event tries."""

    def __init__(self, settings: RestSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._failures, self._until = 0, 0.0

    @property
    def is_on(self) -> bool:
        """Whether it is left alone now."""
        return self._clock() < self._until

    def note(self, has_failed: bool) -> None:
        """It has answered, or it has failed."""
        self._failures = self._failures + 1 if has_failed else 0
        if self._settings.failures and self._failures >= self._settings.failures:
            self._until = self._clock() + self._settings.seconds


class Running:
    """An enricher with its limits. `max_bytes`: what it may find, as JSON."""

    def __init__(self, name: str, enricher: Enricher, settings: EnricherSettings, max_bytes: int) -> None:
        self.name, self.enricher = name, enricher
        self.rest = Rest(settings.rest)
        self._settings, self._max_bytes = settings, max_bytes
        self._events = frozenset(settings.events)
        self._room = asyncio.Semaphore(settings.at_once)
        self._remembered = Remembered(settings.cache.entries, settings.cache.seconds)

    async def start(self, processes: int) -> None:
        """Start it. Raises SettingsError."""
        declared = self._settings
        surroundings = Surroundings(
            min(processes, declared.at_once), declared.memory_mb, declared.turn_s, declared.cache.entries,
            declared.cache.seconds,
        )  # fmt: skip
        await self.enricher.start(surroundings)

    def is_about(self, event: RawEvent) -> bool:
        """Whether it is asked about an event."""
        if self._events and event.type not in self._events:
            return False
        try:
            return self.enricher.is_about(event)
        except Exception:  # then it is asked, and says so where that fails too
            return True

    async def ask(self, event: RawEvent) -> dict[str, Any] | None:
        """What it found within its limit; None when there is nothing. Raises Missing, and nothing else."""
        if self.rest.is_on:
            raise Missing("resting")
        waits = True

        async def within_room() -> Any:
            nonlocal waits
            async with self._room:
                waits = False
                async with asyncio.timeout(None if self.enricher.bounds_turns else self._settings.turn_s):
                    return await self.enricher.enrich(event)

        try:
            async with asyncio.timeout(self._settings.limit_ms / 1_000):
                key = self.enricher.key(event)
                found = await (within_room() if key is None else self._remembered.get(key, within_room))
            answer = self._checked(found)
        except Missing:
            self.rest.note(has_failed=False)
            raise
        except TimeoutError:
            self.rest.note(has_failed=True)
            raise Missing("busy" if waits else "timeout") from None
        except Exception as error:  # somebody else's code may raise anything
            self.rest.note(has_failed=True)
            _log.exception("an enricher has failed", enricher=self.name, event_id=event.event_id[:100])
            raise Missing("failed") from error
        self.rest.note(has_failed=False)
        return answer

    def _checked(self, found: Any) -> dict[str, Any] | None:
        """A copy of what it found that is plain JSON."""
        if found is None:
            return None
        data = orjson.dumps(dict(found))
        if len(data) > self._max_bytes:
            raise Missing("too_much_found")
        copy: dict[str, Any] = orjson.loads(data)
        return copy
