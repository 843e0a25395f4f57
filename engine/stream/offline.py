"""The engine without a broker: the same workers over recorded events, deterministic.

Arrival order is the order of the file. A label takes effect before the first event that arrives after
it. What comes out is byte for byte what the same workers would publish.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.core.rules import Rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers import Outcome
from engine.stream.learners import LabelWorker, Models, TrainerWorker
from engine.stream.messages import Message
from engine.stream.metrics import Metrics
from engine.stream.workers import EventWorker

BATCH = 1_000
_PARTITION = 0


class Record(NamedTuple):
    """A raw record as the workers read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of a file: an event or a label, and its time."""

    kind: str
    ts_ms: int
    value: bytes


def merge(events: Iterable[Arrival], labels: Iterable[Arrival]) -> Iterator[Arrival]:
    """Events in their order; each label before the first event that is younger than it."""
    waiting = iter(sorted(labels, key=lambda label: label.ts_ms))
    label = next(waiting, None)
    now_ms = 0
    for event in events:
        now_ms = max(now_ms, event.ts_ms)
        while label is not None and label.ts_ms < now_ms:
            yield label
            label = next(waiting, None)
        yield event
    while label is not None:
        yield label
        label = next(waiting, None)


class OfflineEngine:
    """Runs arrivals through the workers and yields the messages that they publish."""

    def __init__(self, rulebook: Rulebook, settings: Settings) -> None:
        self.metrics = Metrics()
        self._settings, self._rulebook = settings, rulebook
        self.database = MemoryDatabase()
        self._state = PartitionState(lambda: self.database, settings.cached_entities)
        self._models = Models()
        self._events = EventWorker(settings, lambda _: self._state, lambda _: None, self.metrics)
        self._labels = LabelWorker(settings, lambda _: self._state, self.metrics)
        self._trainer = TrainerWorker(settings, self._models, self.metrics)
        self._offsets = {"event": 0, "label": 0, "example": 0}
        self._trainer.use(rulebook)
        self._events.use(rulebook, self._models.scorers(rulebook))

    def run(self, arrivals: Iterable[Arrival]) -> Iterator[Message]:
        """All messages, in order; examples are learned on the spot and not passed on."""
        kind = "event"
        waiting: list[Arrival] = []
        for arrival in arrivals:
            if waiting and (arrival.kind != kind or len(waiting) == BATCH):
                yield from self._process(kind, waiting)
                waiting = []
            kind = arrival.kind
            waiting.append(arrival)
        if waiting:
            yield from self._process(kind, waiting)

    def _process(self, kind: str, arrivals: list[Arrival]) -> list[Message]:
        if kind == "event":
            records = [self._record("event", self._settings.topics.events, arrival.value) for arrival in arrivals]
            return self._apply(self._events.process(_PARTITION, records))
        records = [self._record("label", self._settings.topics.labels, arrival.value) for arrival in arrivals]
        messages = self._apply(self._labels.process(_PARTITION, records))
        examples = [message for message in messages if message.topic == self._settings.topics.examples]
        self._learn(examples)
        return [message for message in messages if message.topic != self._settings.topics.examples]

    def _learn(self, examples: list[Message]) -> None:
        if not examples:
            return
        topic = self._settings.topics.examples
        self._trainer.learn(_PARTITION, [self._record("example", topic, message.value) for message in examples])
        self._models.adopt(self._trainer.learned())
        self._events.use(self._rulebook, self._models.scorers(self._rulebook))

    def _apply(self, outcome: Outcome) -> list[Message]:
        self.database.apply(outcome.changes)
        outcome.settle()
        return outcome.messages

    def _record(self, kind: str, topic: str, value: bytes) -> Record:
        offset = self._offsets[kind]
        self._offsets[kind] += 1
        return Record(topic, _PARTITION, offset, b"", value)
