"""Recorded events as the models of a rulebook would have seen them live."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.core.kernel import hash64, hash_bytes
from engine.errors import EventError, LabelError
from engine.learning.evaluation import EvaluationCase, Scenario
from engine.learning.labels import Label
from engine.learning.scored import ScoredModel, read_scored
from engine.rulebook.tools.discovery import flattened
from engine.settings import Settings
from engine.state.scored import payload_of
from engine.stream.handlers.label_messages import read_label
from engine.stream.handlers.messages import arrived_ms
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from engine.stream.offline.label_times import LabelsBefore, labels_before

CHUNK = 1_000


class Truth(NamedTuple):
    """What an event turned out to be, when that was first known, and under which policy it was said."""

    spam: bool
    known_ms: int
    policy: str | None = None


def truths(lines: Iterable[bytes]) -> dict[str, Truth]:
    """The last verdict on each event, with the time of the first one that said so. What is no label is left out."""
    truths: dict[str, Truth] = {}
    for line in lines:
        try:
            label = read_label(orjson.loads(line))
        except (orjson.JSONDecodeError, LabelError):
            continue
        if label.event_id:  # what an action was about is not known here
            _note(truths, label)
    return truths


def _note(truths: dict[str, Truth], label: Label) -> None:
    if label.verdict == "retracted":
        truths.pop(label.event_id, None)
        return
    known, spam = truths.get(label.event_id), label.verdict == "spam"
    if known is None or known.spam != spam:
        truths[label.event_id] = Truth(spam, label.ts_ms, label.policy)


def flat_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Events whose inner objects and lists have become plain fields."""
    for line in lines:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, Mapping):
            yield orjson.dumps(flattened(document))


def cases_in(
    rulebook: Rulebook, model: str, read: Callable[[], Iterable[bytes]], truth: Mapping[str, Truth],
    settings: Settings, scenario: Scenario, done: Callable[[], None] = lambda: None,
) -> list[EvaluationCase]:  # fmt: skip
    """The same in a scenario: where the rulebook counts labels, it counts those that the scenario shows, when it does.
    `read`: begins to read the events."""
    found = list(cases(rulebook, model, read(), truth, settings, done))
    if not rulebook.follow_ups.of_labels:
        return found
    before = labels_before(found, replace(scenario, presume=0.0))
    return list(cases(rulebook, model, read(), truth, settings, done, before))


def cases(
    rulebook: Rulebook, model: str, lines: Iterable[bytes], truth: Mapping[str, Truth], settings: Settings,
    done: Callable[[], None] = lambda: None, labels: LabelsBefore = MappingProxyType({}),
) -> Iterator[EvaluationCase]:  # fmt: skip
    """The events that the model is asked about, in their order, with what it would have read of each. `labels`: which
    come before which event."""
    engine = OfflineEngine(rulebook, settings, learns=False)  # what learns is what is examined
    return cases_of(engine, model, lines, truth, settings, done, labels)


def cases_of(
    engine: OfflineEngine, model: str, lines: Iterable[bytes], truth: Mapping[str, Truth], settings: Settings,
    done: Callable[[], None] = lambda: None, labels: LabelsBefore = MappingProxyType({}),
) -> Iterator[EvaluationCase]:  # fmt: skip
    """The same by an engine that knows what it is asked about."""
    chunk: list[bytes] = []
    for line in lines:
        done()
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield from _scored(engine, model, chunk, truth, settings, labels)
            chunk = []
    yield from _scored(engine, model, chunk, truth, settings, labels)


def _scored(
    engine: OfflineEngine, model: str, lines: list[bytes], truth: Mapping[str, Truth], settings: Settings,
    labels: LabelsBefore,
) -> Iterator[EvaluationCase]:  # fmt: skip
    mapping = settings.events.mapping()
    events: list[Event] = []
    arrivals: list[Arrival] = []
    for line in lines:
        try:
            event = mapping.read(orjson.loads(line), arrived_ms(line), content=hash_bytes(line))
        except (orjson.JSONDecodeError, EventError):
            pass
        else:
            events.append(event)
            arrivals += [Arrival("label", 0, label) for label in labels.get(event.event_id, ())]
        arrivals.append(Arrival("event", 0, line))
    for _ in engine.run(arrivals):
        pass
    pseudonyms = settings.pseudonyms()
    if pseudonyms is not None:
        for event in events:
            pseudonyms.conceal(event)
    seen: dict[int, ScoredModel] = {}
    places = engine.state.scored_events(hash64(event.event_id) for event in events)
    blocks: dict[bytes, list[int]] = {}
    for place in (place for found in places.values() for place in found if not place.is_kept):
        blocks.setdefault(place.block, []).append(place.identity)
    for name, block in engine.state.scored_blocks(blocks).items():
        seen.update(
            {key: scored for key, scored in read_scored(payload_of(block), blocks[name]) if scored.name == model}
        )
    for event in events:
        scored, known = seen.pop(event.identify(), None), truth.get(event.event_id)
        if scored is not None:
            spam, known_ms = (known.spam, known.known_ms) if known is not None else (None, None)
            yield EvaluationCase(
                event_id=event.event_id,
                ts_ms=event.ts_ms,
                names=scored.names,
                inputs=scored.inputs,
                spam=spam,
                known_ms=known_ms,
                identity=event.identify(),
            )


def event_documents(lines: Iterable[bytes], limit: int) -> list[dict[str, Any]]:
    """The first events, decoded."""
    documents: list[dict[str, Any]] = []
    for line in lines:
        if len(documents) == limit:
            break
        documents.append(orjson.loads(line))
    return documents
