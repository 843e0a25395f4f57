"""A batch of `raw_events` on its way to `events`. Knows no Faust."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog

from engine.enrich.metrics import EnrichMetrics
from engine.enrich.stage import Stage
from engine.errors import EventError
from engine.settings import Settings
from engine.stream.handlers.batches import Outcome, Rejector
from engine.stream.kafka.bounded_records import refusal_of

_log = structlog.stdlib.get_logger("floodgate")

RECORD_BYTES, HEADER_BYTES = 512, 16
"""What a record takes beside its key, its value and its headers: lengths, times, the header of the stage; and what each
header takes beside its name and value."""

Reached = Callable[[int], Awaitable[int | None]]
"""The offset in a partition of `raw_events` up to which everything has gone on; None where nothing has."""


class Forward(NamedTuple):
    """A message that goes on. `source`: the offset that it comes from; `arrived_ms`: when it arrived there."""

    source: int
    key: bytes | None
    value: bytes
    arrived_ms: int
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Forwarding(Outcome):
    """A batch that is being enriched. `work`: gives what goes on, in its order, and raises nothing; what cannot go on
    is a dead letter among `messages` by then."""

    work: "asyncio.Future[list[Forward]] | None" = None


class EnrichHandler:
    """Begins on each batch as it comes: several are under way at a time, of one partition too, and go on in their
    order. `max_bytes`: what a message of `events` may have."""

    def __init__(
        self, settings: Settings, stage: Stage, reached: Reached, metrics: EnrichMetrics, max_bytes: int
    ) -> None:  # fmt: skip
        self._settings, self._stage, self._reached, self._metrics = settings.enrichment, stage, reached, metrics
        self._max_bytes = max_bytes
        self._rejector = Rejector(settings.topics.dead_letters, metrics)

    async def on_assigned(self, partition: int) -> int | None:
        """Read on behind what has gone on already."""
        reached = await self._reached(partition)
        return None if reached is None else reached + 1

    def on_revoked(self, partition: int) -> None:
        """Nothing is kept of a partition."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Begin on a batch."""
        outcome = Forwarding()
        outcome.work = asyncio.ensure_future(self._enrich(outcome, records))
        return outcome

    async def _enrich(self, outcome: Outcome, records: Sequence[Any]) -> list[Forward]:
        forwards = await asyncio.gather(*map(self._one, records))
        going = []
        for record, forward in zip(records, forwards, strict=True):
            if isinstance(forward, EventError):
                self._rejector.reject(outcome, record, forward.reason, forward)
            else:
                going.append(forward)
        return going

    async def _one(self, record: Any) -> Forward | EventError:
        value = record.value
        if value is None:
            return EventError("empty", refusal_of(record) or "the message has no value")
        if len(value) > self._settings.max_message_bytes:
            return _too_large(len(value), self._settings.max_message_bytes)
        try:
            value = await self._stage.enrich(value)
        except Exception:  # one message must never stop a partition, nor be exempt
            _log.exception("a message goes on as it came", partition=record.partition, offset=record.offset)
        headers = list(record.headers or ())
        size = len(value) + len(record.key or b"") + RECORD_BYTES
        size += sum(HEADER_BYTES + len(name.encode()) + len(said or b"") for name, said in headers)
        if size > self._max_bytes:
            return _too_large(size, self._max_bytes)
        return Forward(record.offset, record.key, value, record.timestamp, headers)


def _too_large(size: int, limit: int) -> EventError:
    return EventError("too_large", f"the message has {size} bytes, the limit is {limit}")
