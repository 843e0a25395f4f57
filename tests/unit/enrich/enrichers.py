"""Enrichers for the tests."""

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.enrich.enricher import Enricher, Missing, RawEvent


class Given(Enricher):
    """Answers what the event tells it to answer. Counts how often it is asked."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(options or {})
        self.asked = 0

    def is_about(self, event: RawEvent) -> bool:
        """About those that say what to answer."""
        return event.find("answer") is not None

    def key(self, event: RawEvent) -> str | None:
        """What the event says."""
        key: str | None = event.find("key")
        return key

    async def enrich(self, event: RawEvent) -> Any:
        """What the event says."""
        self.asked += 1
        answer = event.find("answer")
        if answer == "hang":
            await asyncio.sleep(3_600)
        if answer == "missing":
            raise Missing("too_odd")
        if answer == "fail":
            raise RuntimeError("it fails")
        return None if answer == "nothing" else answer


class Media(Given):
    """Writes to `media`, and takes out what it has read."""

    writes_media = True

    def strip(self, fields: dict[str, Any]) -> None:
        """Without `answer`."""
        fields.pop("answer", None)
