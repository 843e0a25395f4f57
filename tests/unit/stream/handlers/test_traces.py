"""An event that is traced is told of at each place that it comes to, and whoever writes events has no say in it."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.settings import load_settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import BatchHandler, IsSealed, accept_any
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.messages import Headers
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.traced import TRACE
from engine.stream.handlers.traces import Budget, Traces, parent_of
from tests.unit.stream.signed import record

START_MS = 1_760_000_000_000
RULES = """
version: 1
counters:
  users: {distinct: user_id, of: post, by: url_domain, over: 10m}
  devices: {count: post, by: device_id, over: 10m}
rules:
  swarm: {event: post, when: [users >= 3], then: {hide: content, target: event}}
  worn: {event: post, when: [devices > 4], then: {flag: device}}
"""
OURS = [(TRACE, b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]


class Worker:
    """Events and hops of one partition, and the spans that came of them."""

    def __init__(self, is_sealed: IsSealed = accept_any, **traces: Any) -> None:
        environment = {f"FLOODGATE_TRACES__{name.upper()}": str(value) for name, value in traces.items()}
        self.settings = load_settings(
            environment={
                "FLOODGATE_TRACES__ENDPOINT": "http://127.0.0.1:4318",
                "FLOODGATE_PARTITIONS": "1",
                **environment,
            }
        )
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        tracing = Traces(self.settings, provider, is_sealed)
        self._database, metrics = MemoryDatabase(), Metrics()
        state, rulebook = PartitionState(lambda: self._database, 1_000), load_rulebook({"rules.yaml": RULES})
        events = EventWorker(self.settings, lambda _: state, lambda _: None, metrics)
        hops = HopWorker(self.settings, lambda _: state, metrics, partitions=1)
        for worker in (events, hops):
            worker.use(Evaluator(rulebook, FollowedModels().scorers(rulebook), 0.0))
        self.events, self.hops = tracing.around("events", events), tracing.around("hops", hops)
        self.labels, self._next = tracing.around("labels", hops), {"events": 0, "hops": 0}

    def post(self, *ids: str, headers: Headers | None = None) -> None:
        """A batch of events, and all that follows."""
        values = [
            {"event_id": name, "type": "post", "user_id": f"u-{name}", "ts": START_MS, "device_id": "d",
             "text": "see https://spam.example/a"}
            for name in ids
        ]  # fmt: skip
        sent = self._work(self.events, "events", [(b"", orjson.dumps(value), headers or []) for value in values])
        while sent:
            sent = self._work(self.hops, "hops", sent)

    def _work(self, handler: BatchHandler, topic: str, messages: list[Any]) -> list[Any]:
        first, self._next[topic] = self._next[topic], self._next[topic] + len(messages)
        records = [
            record(topic, key, value, headers, offset=first + at, timestamp=START_MS)
            for at, (key, value, headers) in enumerate(messages)
        ]
        outcome = handler.process(0, records)
        if outcome.followed is not None:
            outcome.followed.note_published()
        self._database.apply(outcome.changes)
        outcome.settle()
        if outcome.followed is not None:
            outcome.followed.note_stored()
        return [(one.key, one.value, one.headers or []) for one in outcome.messages if one.topic == "hops"]

    @property
    def visits(self) -> list[ReadableSpan]:
        """In their order."""
        found = [span for span in self.exporter.get_finished_spans() if span.name.startswith("visit ")]
        return sorted(found, key=lambda span: (span.name, span.attributes["messaging.kafka.offset"]))  # type: ignore[index]


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def chain(visit: ReadableSpan | None, visits: list[ReadableSpan]) -> Iterator[ReadableSpan]:
    """From one on, each followed by the one that hangs below it."""
    below = {span.parent.span_id: span for span in visits if span.parent is not None}
    while visit is not None:
        yield visit
        visit = below.get(context_of(visit).span_id)


def test_an_event_is_told_of_at_each_place_and_hangs_together() -> None:
    worker = Worker(share=1)
    worker.post("e1", "e2", "e3")
    quiet, _, swarms = [span for span in worker.visits if span.name == "visit events"]
    assert len(list(chain(quiet, worker.visits))) == 3  # at its device, at its domain, where it ends
    told = list(chain(swarms, worker.visits))
    assert [span.name for span in told] == ["visit events", "visit hops", "visit hops", "visit hops"]  # and is back
    assert len({context_of(span).trace_id for span in told}) == 1
    assert len({context_of(span).trace_id for span in worker.exporter.get_finished_spans()}) == 3
    assert swarms.attributes is not None
    assert swarms.attributes["floodgate.event.id"] == "e3"
    assert swarms.start_time == START_MS * 1_000_000
    for visit in told:
        below = [
            span for span in worker.exporter.get_finished_spans()
            if span.parent is not None and span.parent.span_id == context_of(visit).span_id
        ]  # fmt: skip
        stages = [span for span in below if not span.name.startswith("visit ")]
        assert [stage.name for stage in stages] == ["wait", "decide", "publish", "store"]
        assert stages[-1].end_time == visit.end_time
        times = [time or 0 for stage in stages for time in (stage.start_time, stage.end_time)]
        assert times == sorted(times)


def test_only_those_are_told_of_that_are_traced_and_the_same_ones_everywhere() -> None:
    ids = [f"e{number}" for number in range(60)]
    told = []
    for batch in (60, 7):
        worker = Worker(share=0.2, max_per_second=1_000)
        for start in range(0, 60, batch):
            worker.post(*ids[start : start + batch])
        told.append({span.attributes["floodgate.event.id"] for span in worker.visits if span.name == "visit events"})  # type: ignore[index]
    assert told[0] == told[1]
    assert 3 < len(told[0]) < 30
    assert len(worker.visits) > 3 * len(told[1])


def test_there_are_no_more_than_the_bound_whatever_is_written() -> None:
    now = [0.0]
    budget = Budget(3, lambda: now[0])
    taken = 0
    for _ in range(10):
        if budget.is_left:
            budget.take()
            taken += 1
    assert taken == 3
    now[0] = 1.0
    assert budget.is_left
    worker = Worker(share=1, max_per_second=2)
    worker.post(*(f"e{number}" for number in range(50)))
    assert len([span for span in worker.visits if span.name == "visit events"]) <= 4  # a second may end meanwhile


def test_a_header_of_an_event_is_believed_only_where_the_settings_say_so() -> None:
    worker = Worker(share=0)
    worker.post("e1", headers=OURS)
    assert worker.visits == []
    worker = Worker(share=0, trusts_events=True)
    worker.post("e1", headers=OURS)
    first = worker.visits[0]
    assert first.parent is not None
    assert (first.parent.trace_id, first.parent.span_id) == (int("a" * 32, 16), int("b" * 16, 16))
    assert {context_of(span).trace_id for span in worker.visits} == {int("a" * 32, 16)}


def test_a_hop_that_no_worker_has_sealed_is_not_told_of() -> None:
    worker = Worker(is_sealed=lambda _: False, share=1)
    worker.post("e1")
    assert [span.name for span in worker.visits] == ["visit events"]


@pytest.mark.parametrize(
    "header",
    [b"", b"00", b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01", b"00-" + b"a" * 32 + b"-" + b"0" * 16 + b"-01",
     b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00", b"00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01",
     b"\xff" * 900, None],
)  # fmt: skip
def test_what_is_no_trace_is_none(header: bytes | None) -> None:
    assert parent_of(record("events", b"", b"", [(TRACE, header)])) is None  # type: ignore[list-item]


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"\xff", b'{"event_id": null}', b'{"event_id": {"a": 1}}', None])
def test_what_is_no_event_is_a_dead_letter_as_without_traces(value: bytes | None) -> None:
    worker = Worker(share=1)
    outcome = worker.events.process(0, [record("events", b"", value, timestamp=START_MS)])
    assert [message.topic for message in outcome.messages] == ["dead-letters"]


def test_other_topics_are_left_alone() -> None:
    worker = Worker()
    assert type(worker.labels) is HopWorker
    assert type(worker.events) is not EventWorker
