"""The enricher `http`: what somebody's classifier says of an event."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from engine.enrich.answers import Missing
from engine.enrich.classifiers.batches import Batches
from engine.enrich.classifiers.breaker import Breaker
from engine.enrich.classifiers.budget import HourlyBudget
from engine.enrich.classifiers.findings import Findings
from engine.enrich.classifiers.options import read_options
from engine.enrich.classifiers.requests import Requests
from engine.enrich.classifiers.selection import Selection
from engine.enrich.classifiers.service import FAILURES, Service
from engine.enrich.enricher import Enricher, RawEvent, Surroundings


class Http(Enricher):
    """Asks a service that takes JSON and answers with JSON."""

    bounds_turns = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        own = read_options(dict(options))
        self._requests, self._findings, self._service = Requests(own), Findings(own), Service(own)
        self._selection = Selection(own.only, own.fields) if own.only else None
        self._budget = HourlyBudget(own.budget) if own.budget is not None else None
        self._options = own
        self._batches: Batches | None = None

    async def start(self, surroundings: Surroundings) -> None:
        """Open nothing yet. Raises SettingsError where the secret cannot be read."""
        self._turn_s = surroundings.turn_s
        self._breaker = Breaker(self._options.breaker, self._answers)
        if self._options.batch is not None:
            self._batches = Batches(self._options.batch, self._ask, self._turn_s)
        await self._service.start()

    async def stop(self) -> None:
        """Close all connections."""
        await self._breaker.stop()
        if self._batches is not None:
            await self._batches.stop()
        await self._service.stop()

    @property
    def is_resting(self) -> bool:
        """Whether the service is left alone."""
        return self._breaker.is_open

    def is_about(self, event: RawEvent) -> bool:
        """About events that have something to send, and that `only` selects."""
        return self._requests.is_about(event) and (self._selection is None or self._selection.holds_for(event))

    def key(self, event: RawEvent) -> str:
        """The same for events of which the same is sent."""
        return self._requests.key(event)

    async def enrich(self, event: RawEvent) -> dict[str, Any]:
        """What the service says, and the version of the prompt. Raises Missing."""
        if self._breaker.is_open:
            raise Missing("resting")
        sent = self._requests.sent(event)
        if self._budget is not None and not self._budget.take(event.user_id):
            raise Missing("over_budget")
        found = self._findings.of(await self._within_turn(sent))
        return {**found, "prompt": self._requests.version} if self._requests.version else found

    async def _within_turn(self, sent: dict[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._turn_s):
                answer = await (self._batches.ask(sent) if self._batches is not None else self._ask_one(sent))
        except TimeoutError:
            self._breaker.note(has_failed=True)
            raise Missing("timeout") from None
        except asyncio.CancelledError:  # the event has waited as long as it may
            self._breaker.note(has_failed=True)
            raise
        except Missing as missing:
            self._breaker.note(has_failed=missing.reason in FAILURES)
            raise
        self._breaker.note(has_failed=False)
        return answer

    async def _ask_one(self, sent: dict[str, Any]) -> Any:
        return (await self._ask([sent]))[0]

    async def _ask(self, sent: Sequence[dict[str, Any]]) -> list[Any]:
        return self._findings.each(await self._service.ask(self._requests.body(sent)), len(sent))

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._turn_s):
                return await self._service.answers(self._requests.body([self._requests.example()]))
        except TimeoutError:
            return False
