"""Traces of single events: what became of one at each place, in OpenTelemetry's spans.

A visit is what a batch does for one event or hop, from the arrival of its record until its state is durable. Below it
are its stages: `wait`, `decide`, `publish`, `store`. What an event sends on carries the trace in a header, so the visit
that it leads to hangs below this one.

Whoever writes events chooses ids, and perhaps headers. So there is a bound for each second, and headers of events are
believed only where the settings say so. Those of hops are the workers' own.
"""

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, Tracer

from engine.core.kernel import hash64
from engine.core.values.paths import lookup
from engine.settings import Settings
from engine.stream.handlers.batches import BatchHandler, IsSealed, Outcome
from engine.stream.handlers.messages import Headers
from engine.stream.handlers.traced import NOTHING_TRACED, TRACE, Traced

_PARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_ID_CHARS = 256
_WHOLE = 1 << 64


class Budget:
    """So many in each second, and no more."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._left, self._second = per_second, int(clock())

    @property
    def is_left(self) -> bool:
        """Whether there is anything left in this second."""
        second = int(self._clock())
        if second != self._second:
            self._left, self._second = self._per_second, second
        return self._left > 0

    def take(self) -> None:
        """One is begun."""
        self._left -= 1


def parent_of(record: Any) -> SpanContext | None:
    """What a record says that it belongs to, if that is to be told of."""
    header = dict(record.headers or ()).get(TRACE)
    found = _PARENT.fullmatch(header) if header is not None else None
    if found is None or not int(found[3], 16) & TraceFlags.SAMPLED:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def header_of(context: SpanContext) -> Headers:
    """The same, for what is sent on."""
    return [(TRACE, f"00-{context.trace_id:032x}-{context.span_id:016x}-01".encode())]


class Choice:
    """Which records of a batch are traced, and what each hangs below: by their places in the batch."""

    def __init__(self, settings: Settings, budget: Budget, is_sealed: IsSealed) -> None:
        self._budget, self._is_sealed, self._events = budget, is_sealed, settings.topics.events
        self._trusts = settings.traces.trusts_events
        self._below = round(settings.traces.share * _WHOLE)
        self._id_at = settings.events.mapping().sources.get("event_id", "event_id")

    def events(self, records: Sequence[Any]) -> dict[int, tuple[SpanContext | None, str]]:
        """By the hashes of their ids, or by a header that is trusted. Events are read for that as long as something is
        left of this second."""
        chosen: dict[int, tuple[SpanContext | None, str]] = {}
        for place, record in enumerate(records):
            if not self._budget.is_left:
                break
            parent = parent_of(record) if self._trusts else None
            event_id = self._id_of(record.value)
            if event_id is not None and (parent is not None or hash64(event_id) < self._below):
                self._budget.take()
                chosen[place] = parent, event_id
        return chosen

    def hops(self, records: Sequence[Any]) -> dict[int, tuple[SpanContext | None, str]]:
        """Those that a worker has sent on with a trace."""
        chosen: dict[int, tuple[SpanContext | None, str]] = {}
        for place, record in enumerate(records):
            parent = parent_of(record) if record.headers else None
            if parent is not None and self._budget.is_left and self._is_sealed(record):
                self._budget.take()
                chosen[place] = parent, ""
        return chosen

    def of(self, topic: str, records: Sequence[Any]) -> dict[int, tuple[SpanContext | None, str]]:
        """Those of a batch of either topic."""
        return self.events(records) if topic == self._events else self.hops(records)

    def _id_of(self, value: bytes | None) -> str | None:
        try:
            document = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            return None
        found = lookup(document, self._id_at) if type(document) is dict else None
        return str(found) if type(found) in (str, int) else None


class _Visits:
    """The traced events of one batch, until its state is durable."""

    def __init__(self, tracer: Tracer, visits: Sequence[Span], began_ns: int) -> None:
        self._tracer, self._visits, self._at_ns = tracer, visits, began_ns

    def note(self, stage: str) -> None:
        """A stage has ended, which began when the one before ended."""
        began_ns, self._at_ns = self._at_ns, max(self._at_ns, time.time_ns())
        for visit in self._visits:
            context = trace.set_span_in_context(visit)
            self._tracer.start_span(stage, context, start_time=began_ns).end(self._at_ns)

    def note_published(self) -> None:
        """The brokers have its messages."""
        self.note("publish")

    def note_stored(self) -> None:
        """Its state is durable: that was all of it here."""
        self.note("store")
        for visit in self._visits:
            visit.end(self._at_ns)


class TracedHandler:
    """A handler of events or hops, and what it does for those that are traced."""

    def __init__(self, topic: str, inner: Any, tracer: Tracer, choice: Choice) -> None:
        self._topic, self._inner, self._tracer, self._choice = topic, inner, tracer, choice

    async def on_assigned(self, partition: int) -> int | None:
        """As the handler does."""
        found: int | None = await self._inner.on_assigned(partition)
        return found

    def on_revoked(self, partition: int) -> None:
        """As the handler does."""
        self._inner.on_revoked(partition)

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Compute a batch as the handler does."""
        chosen = self._choice.of(self._topic, records)
        if not chosen:
            plain: Outcome = self._inner.process(partition, records)
            return plain
        now_ns = time.time_ns()
        visits = {place: self._begin(records[place], *which, len(records), now_ns) for place, which in chosen.items()}
        followed = _Visits(self._tracer, list(visits.values()), now_ns)
        traced: Traced = {records[place].offset: header_of(visit.get_span_context()) for place, visit in visits.items()}
        self._inner.traced = traced
        try:
            outcome: Outcome = self._inner.process(partition, records)
        finally:
            self._inner.traced = NOTHING_TRACED
        followed.note("decide")
        outcome.followed = followed
        return outcome

    def _begin(self, record: Any, parent: SpanContext | None, event_id: str, batch: int, now_ns: int) -> Span:
        """A visit, which has waited until now since its record arrived, as that says."""
        arrived_ns = min(now_ns, max(0, record.timestamp) * 1_000_000) if record.timestamp is not None else now_ns
        context = trace.set_span_in_context(NonRecordingSpan(parent)) if parent is not None else None
        told = {
            "messaging.system": "kafka", "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition), "messaging.kafka.offset": record.offset,
            "messaging.batch.message_count": batch,
        }  # fmt: skip
        if event_id:
            told["floodgate.event.id"] = event_id[:_ID_CHARS]
        visit = self._tracer.start_span(f"visit {self._topic}", context, attributes=told, start_time=arrived_ns)
        self._tracer.start_span("wait", trace.set_span_in_context(visit), start_time=arrived_ns).end(now_ns)
        return visit


class Traces:
    """Wraps the handlers of events and hops; what they tell goes to the provider's exporters."""

    def __init__(self, settings: Settings, provider: TracerProvider, is_sealed: IsSealed) -> None:
        self._topics, self._tracer = settings.topics, provider.get_tracer("floodgate")
        self._choice = Choice(settings, Budget(settings.traces.max_per_second), is_sealed)
        self._provider = provider

    def around(self, topic: str, handler: BatchHandler) -> BatchHandler:
        """A handler that is traced, where its topic has events on their way."""
        if topic not in (self._topics.events, self._topics.hops):
            return handler
        return TracedHandler(topic, handler, self._tracer, self._choice)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
