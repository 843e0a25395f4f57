"""The engine without a broker: the same workers over recorded events, deterministic.

Arrival order is the order of the file. A label takes effect before the first event that arrives after
it. What comes out is byte for byte what the same workers would publish.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.domain.kinds import stored_kind
from engine.core.domain.rules import Rulebook, changed_rules
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.outcomes import Answer, Mark
from engine.core.evaluation.routing import EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.values.lists import Conceal
from engine.learning.models import LearnedModel
from engine.reference.bank_files import BankFiles
from engine.reference.data import References
from engine.reference.databases import Databases
from engine.reference.recorded import RecordedTables
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState, entity_record_key, user_record_key
from engine.state.timers import TIMER
from engine.stream.handlers.answers import Given
from engine.stream.handlers.batches import Outcome, StateOutcome
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hop_messages import Hop
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.messages import Message, arrived_ms
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.outcomes import OF_OUTCOME
from engine.stream.handlers.scored_events import Source
from engine.stream.handlers.training import TrainerWorker
from engine.stream.offline.additions import OfflineAdditions
from engine.stream.offline.arrivals import Arrival

BATCH = 1_000
_PARTITION = 0

Compile = Callable[[Mapping[str, str], Conceal | None], Rulebook]
"""Makes a rulebook of its sources, for events in which people have pseudonyms where something gives them."""


class Record(NamedTuple):
    """A raw record as the workers read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class OfflineEngine:
    """Runs arrivals through the workers and yields the messages that they publish.

    `before`: the rulebook that was in use before, with which budgets compare; `tables`: the rows of tables that come on
    topics; `compiled`: what has made the rulebook; `learns`: whether models do; `answered`: told what comes of events.
    Entities are visited on the spot, as if each event were decided before the next one arrives; only the labels of
    clusters that events take along are those of the batch's beginning, as they are live. What rules add to live lists
    is there at the next event.
    """

    def __init__(
        self, rulebook: Rulebook, settings: Settings, models: Mapping[str, LearnedModel] | None = None,
        before: Rulebook | None = None, tables: RecordedTables | None = None, compiled: Compile = load_rulebook,
        learns: bool = True, answered: Callable[[Answer], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.metrics = Metrics()
        settings.key_hashes()
        settings = msgspec.structs.replace(settings, log_actions=False)
        self._settings, self._rulebook = settings, _with_pseudonyms(rulebook, settings, compiled)
        self._before: Mapping[str, Rulebook] = {}
        if before is not None:
            self._before = changed_rules(_with_pseudonyms(before, settings, load_rulebook), self._rulebook, {})
        self.database = MemoryDatabase()
        self.state = PartitionState(lambda: self.database, settings.cached_entities)
        self._models = FollowedModels()
        self._models.adopt(models or {})
        databases = Databases(settings.reference_data_dir)
        databases.use(self._rulebook.lookups)
        books = (self._rulebook, *self._before.values())
        BankFiles(settings.reference_data_dir).use(bank for book in books for bank in book.banks.values())
        references = References(databases, tables or RecordedTables({}))
        self._events = EventWorker(settings, lambda _: self.state, lambda _: None, self.metrics, reference=references)
        self._hops = HopWorker(settings, lambda _: self.state, self.metrics, partitions=1)
        self._labels = LabelWorker(settings, lambda _: self.state, self.metrics)
        self._trainer, self._learns = TrainerWorker(settings, self._models, self.metrics), learns
        self.learned = self._trainer.learned
        self._offsets = {"event": 0, "label": 0, "example": 0, "answer": 0}
        self._back = 0  # events that have come back from their entities
        self._additions = OfflineAdditions(self._rulebook, settings.topics.actions)
        # What follows a decision counts for the next event already.
        self._answered = answered
        one_by_one = self._additions.are_wanted or rulebook.follow_ups.of_decisions
        self._batch = 1 if one_by_one else BATCH
        self._trainer.use(rulebook)
        self._use_models()

    def run(self, arrivals: Iterable[Arrival]) -> Iterator[Message]:
        """All messages, in order; examples are learned on the spot and not passed on."""
        kind = "event"
        waiting: list[Arrival] = []
        for arrival in arrivals:
            if waiting and (arrival.kind != kind or len(waiting) == self._batch):
                yield from self._process(kind, waiting)
                waiting = []
            kind = arrival.kind
            waiting.append(arrival)
        if waiting:
            yield from self._process(kind, waiting)

    def waiting(self) -> int:
        """How many events are still waited upon: the arrivals do not reach to the end of their time."""
        timers = (value for key, value in self.database.values.items() if key.startswith(TIMER))
        return sum(not value.startswith(OF_OUTCOME) for value in timers)

    def pass_time(self, ms: int) -> list[Message]:
        """It becomes so much later, and no event comes."""
        outcome = StateOutcome(state=self.state)
        hops = self._hops.pass_time(outcome, self.state.clock.now_ms + ms)
        self._hops.flush(outcome)
        outcome.changes += self.state.dump(outcome.records)
        return self._apply(outcome) + self._go_on(hops)

    def _process(self, kind: str, arrivals: list[Arrival]) -> list[Message]:
        hops: list[Hop] = []
        if kind == "event":
            self._additions.begin(arrivals[0].ts_ms)
            topic = self._settings.topics.events
            records = [
                self._record("event", topic, arrival.value, arrival.arrived_ms or arrived_ms(arrival.value))
                for arrival in arrivals
            ]
            outcome = self._events.decide(_PARTITION, records, lambda _, _1, sent: hops.extend(sent))
            messages = self._apply(outcome) + self._go_on(hops)
            self._additions.note(messages)
        else:
            records = [self._record("label", self._settings.topics.labels, arrival.value) for arrival in arrivals]
            outcome = self._labels.join(_PARTITION, records, lambda _, _1, sent: hops.extend(sent))
            messages = self._apply(outcome) + self._go_on(hops)
        self._learn([message for message in messages if message.topic == self._settings.topics.examples])
        return [message for message in messages if message.topic != self._settings.topics.examples]

    def _go_on(self, hops: Sequence[Hop]) -> list[Message]:
        """Events at their entities, then what follows, until nothing does."""
        messages: list[Message] = []
        while hops:
            follow_ups = [hop for hop in hops if isinstance(hop, FollowUp)]
            decided, more = self._travel([hop for hop in hops if isinstance(hop, RoutedEvent)])
            users = dict.fromkeys(user_record_key(follow_up.user_id) for follow_up in follow_ups)
            outcome = StateOutcome(state=self.state, records=self.state.load(users))
            marks, answers = [hop for hop in hops if type(hop) is Mark], [hop for hop in hops if type(hop) is Answer]
            hops = [*more]
            for follow_up in follow_ups:
                hops += self._hops.follow(outcome, follow_up, outcome.records[user_record_key(follow_up.user_id)])
            outcome.changes += self.state.dump(outcome.records)
            for mark in marks:
                hops += self._hops.meet(outcome, mark)
            self._hops.flush(outcome)
            self._learn_outcomes(outcome, answers)
            messages += decided + self._apply(outcome)
        self._hops.count()
        return messages

    def _learn_outcomes(self, outcome: StateOutcome, answers: Sequence[Answer]) -> None:
        numbered = [Given(at, answer) for at, answer in enumerate(answers, self._offsets["answer"])]
        self._offsets["answer"] += len(answers)
        for answer in answers:
            self._answered(answer)
        self._hops.learn(outcome, _PARTITION, numbered)

    def _travel(self, routed_events: list[RoutedEvent]) -> tuple[list[Message], list[FollowUp]]:
        """All visits, then all decisions, and beside what follows.

        An entity has one kind, and all events visit the kinds in one order:
        kind by kind, each entity meets its events in their order, as it would one event at a time."""
        matches: dict[int, list[RetroactiveMatch]] = {}
        for visits in _by_kind(routed_events):
            keys = dict.fromkeys([key for _, _, key in visits])
            outcome = StateOutcome(state=self.state, records=self.state.load(keys))
            for index, entity_key, key in visits:
                routed, entity = routed_events[index], outcome.records[key]
                found = self._hops.visits.visit(outcome, routed, entity_key, entity, keys, key)
                if found:
                    matches.setdefault(index, []).extend(found)
            outcome.changes += self.state.dump(outcome.records)
            self._apply(outcome)
        for routed in routed_events:
            self._visit_clusters(routed)
        return self._decide_returned(routed_events, matches)

    def _visit_clusters(self, routed: RoutedEvent) -> None:
        """Clusters are known only when all entities are visited. No earlier event is matched there."""
        while (entity_key := routed.next_entity()) is not None:
            key = entity_record_key(entity_key)
            outcome = StateOutcome(state=self.state, records=self.state.load([key]))
            self._hops.visits.visit(outcome, routed, entity_key, outcome.records[key], (key,), key)
            outcome.changes += self.state.dump(outcome.records)
            self._apply(outcome)

    def _decide_returned(
        self, routed_events: list[RoutedEvent], matches: dict[int, list[RetroactiveMatch]]
    ) -> tuple[list[Message], list[FollowUp]]:
        if not routed_events:
            return [], []
        follow_ups: list[FollowUp] = []
        matched = [user_record_key(match.user_id) for group in matches.values() for match in group]
        keys = [user_record_key(routed.user_id) for routed in routed_events]
        outcome = StateOutcome(state=self.state, records=self.state.load(dict.fromkeys(matched + keys)))
        events = self._hops.prepare_returned(routed_events)
        for index, (routed, key, event) in enumerate(zip(routed_events, keys, events, strict=True)):
            for match in matches.get(index, ()):
                user = outcome.records[user_record_key(match.user_id)]
                follow_ups += self._hops.act_retroactively(outcome, match, user)
            if routed.withdrawn:
                continue  # nothing is decided
            follow_ups += self._hops.decide_returned(outcome, routed, outcome.records[key], event)[1]
        arrivals = [(routed.identify(), self._back + at) for at, routed in enumerate(routed_events)]
        self._back += len(routed_events)
        self._hops.keep_scored(outcome, Source(_PARTITION, arrivals))
        outcome.changes += self.state.dump(outcome.records)
        return self._apply(outcome), follow_ups

    def _learn(self, examples: list[Message]) -> None:
        if not examples or not self._learns:
            return
        topic = self._settings.topics.examples
        self._trainer.process(_PARTITION, [self._record("example", topic, message.value) for message in examples])
        self._models.adopt(self._trainer.learned())
        self._use_models()

    def _use_models(self) -> None:
        scorers = self._models.scorers(self._rulebook)
        sample, answered = self._settings.decision_sample, self._settings.serve.types
        evaluator = Evaluator(self._rulebook, scorers, sample, self._before, answered)
        self._events.use(evaluator)
        self._hops.use(evaluator)
        self._labels.use(evaluator)

    def _apply(self, outcome: Outcome) -> list[Message]:
        self.database.apply(outcome.changes)
        outcome.settle()
        return outcome.messages

    def _record(self, kind: str, topic: str, value: bytes, arrived_ms: int | None = None) -> Record:
        offset = self._offsets[kind]
        self._offsets[kind] += 1
        return Record(topic, _PARTITION, offset, b"", value, arrived_ms)


def _with_pseudonyms(rulebook: Rulebook, settings: Settings, compiled: Compile) -> Rulebook:
    """The rulebook for events in which people have pseudonyms, if they have some."""
    pseudonyms = settings.pseudonyms()
    if pseudonyms is None:
        return rulebook
    made = compiled(rulebook.sources, pseudonyms.of)
    for name, members in made.live.items():
        members.replace(rulebook.live[name].entries)
    return made


def _by_kind(routed_events: Sequence[RoutedEvent]) -> list[list[tuple[int, EntityKey, bytes]]]:
    """The visits of events by kind of entity, in order: the event's place, its entity, and the key of its record."""
    visits: dict[str, list[tuple[int, EntityKey, bytes]]] = {}
    for index, routed in enumerate(routed_events):
        for entity_key in routed.entity_keys:
            visits.setdefault(stored_kind(entity_key[0]), []).append((index, entity_key, entity_record_key(entity_key)))
    return [visits[kind] for kind in sorted(visits)]
