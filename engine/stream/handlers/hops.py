"""What happens to a batch of the hops topic: events at their entities and back at their users, retroactive matches.

Counted once: an entity's record carries the offset of the last message applied to it, as a user's does. A
message that was sent twice, because the worker that sent it died before it had noted so, comes at another
offset; it is known by its origin. Messages of one source partition arrive in the order of their numbers, so
one watermark for each source partition tells them, and what the first one brought about stands.
"""

from collections.abc import Sequence
from typing import Any

import structlog

from engine.core.domain.events import Event
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.outcomes import Answer, Mark
from engine.core.evaluation.routing import FailedEvent, RetroactiveMatch, RoutedEvent, failed
from engine.core.state.entities import EntityRecord
from engine.settings import Settings
from engine.state.store import ENTITY, FORGETTING
from engine.stream.handlers.absences import Absences
from engine.stream.handlers.answers import Answers, Given
from engine.stream.handlers.batches import (
    IsSealed,
    Outcome,
    Rejector,
    StateOutcome,
    States,
    accept_any,
    dump_records,
    slices,
)
from engine.stream.handlers.consequences import note_said, said_of
from engine.stream.handlers.erasure import Forget, forget
from engine.stream.handlers.hop_arrivals import Arrived, EndOf, HopArrivals, split_at_answers, unknown_end
from engine.stream.handlers.hop_messages import FROM_HOPS, Departures, Hop, Tick, hops_of
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.replies import Replies
from engine.stream.handlers.results import Results
from engine.stream.handlers.scored_events import ScoredEvents, Source
from engine.stream.handlers.traced import NOTHING_TRACED, Traced
from engine.stream.handlers.visits import Visits
from engine.stream.kafka.placing import Place
from engine.stream.kafka.publishers import Accept, accept_all

_log = structlog.stdlib.get_logger("floodgate")

_AT_ONCE = 64
"""Messages that are decoded at a stretch: each becomes some twenty objects."""

_WITHOUT_RECORD = frozenset((Tick, Mark, Answer, FailedEvent))
"""What is about no entity's record."""


class HopWorker:
    """Takes routed events to one entity after the other, decides those that are back, and acts on retroactive matches.

    `partitions`: among how many the entities are spread, each with its share of a budget of keys; `place`: on which of
    them each is, where what has been copied from another partition is to be refused.
    """

    def __init__(
        self, settings: Settings, states: States, metrics: Metrics, partitions: int, accept: Accept = accept_all,
        end_of: EndOf = unknown_end, is_sealed: IsSealed = accept_any,
        place: Place | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._states, self._metrics, self._partitions = settings, states, metrics, partitions
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._arrivals = HopArrivals(
            self._rejector, metrics, partitions, accept=accept, end_of=end_of, is_sealed=is_sealed, place=place
        )
        self._results = Results(settings, metrics)
        self._scored = ScoredEvents(FROM_HOPS, settings, metrics)
        self._absences = Absences(settings, self._results, metrics, partitions)
        self._answers, self._replies = Answers(settings.topics.examples, metrics), Replies(settings)
        self._evaluator: Evaluator | None = None
        self.visits = Visits(metrics, partitions)
        self._ended = 0  # routed events, since they were counted
        self.traced: Traced = NOTHING_TRACED

    def use(self, evaluator: Evaluator) -> None:
        """Decide with this from the next batch on."""
        self._evaluator = evaluator
        self._scored.use(evaluator)
        self._absences.use(evaluator)
        self._answers.use(evaluator)
        self._replies.use(evaluator)
        self.visits.use(evaluator.rulebook)

    async def on_assigned(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def on_revoked(self, partition: int) -> None:
        """The state belongs to the event worker, which ends it."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of hops."""
        state = self._states(partition)
        outcome, requests = StateOutcome(state=state), list[Forget]()
        arrived = list[tuple[bytes, Any]]()
        at_hand = {ENTITY + record.key for record in records if record.key is not None}
        departures = Departures(self._settings.topics.hops, FROM_HOPS, partition, self.traced)
        self._absences.look(state)
        for few in slices(records, _AT_ONCE):
            arrivals = self._arrivals.read(partition, state, few, outcome, requests)
            arrived += [(key, record) for key, _, record, _ in arrivals]
            for part in split_at_answers(arrivals):
                self._apply(outcome, partition, part, departures, at_hand)
            if outcome.read_from is not None:
                break
        self.count()
        self._absences.flush(outcome)  # what has changed where events meet has to be there to be forgotten
        for request in requests:
            forget(state, request, outcome)
        dump_records(outcome, arrived, self._rejector)
        if requests:
            outcome.changes.append(FORGETTING)
        self._absences.finish(outcome)
        # The watermarks come last: whoever has them has all that came before them.
        outcome.changes += [*state.dump_entity_budget(), state.dump_watermarks()]
        return outcome

    def _apply(
        self, outcome: StateOutcome, partition: int, arrived: list[Arrived], departures: Departures, at_hand: set[bytes]
    ) -> None:
        """Apply a part of a batch. `at_hand`: the keys of the entities that the whole batch is about."""
        assert outcome.state is not None
        concerned = [key for key, _, _, hop in arrived if type(hop) not in _WITHOUT_RECORD]
        touched = outcome.state.load(dict.fromkeys(concerned))
        returned = [hop for _, entity_key, _, hop in arrived if entity_key is None and type(hop) is RoutedEvent]
        events = iter(self.prepare_returned(returned))
        for key, entity_key, record, hop in arrived:
            if type(hop) in _WITHOUT_RECORD:
                departures.begin(record.offset)
                outcome.messages += [departures.send(sent) for sent in self._apply_apart(outcome, hop)]
                continue
            entity = touched[key]
            event = next(events) if type(hop) is RoutedEvent and entity_key is None else None
            if record.offset <= entity.hops:
                continue  # applied before a crash; what it brought about went out before its state
            entity.hops = record.offset
            departures.begin(record.offset)
            try:
                if type(hop) is RoutedEvent and entity_key is not None:
                    matches = self.visits.visit(outcome, hop, entity_key, entity, at_hand, key)
                    if matches:  # first: they stand though this event may fail
                        outcome.messages += [departures.send_to(None, match) for match in matches]
                    self._go_on(outcome, hop, departures)
                    is_kept = bool(entity.newest)  # else it was refused, and leaves nothing behind
                elif type(hop) is RoutedEvent and event is not None:
                    is_kept, follow_ups = self.decide_returned(outcome, hop, entity, event)
                    outcome.messages += [departures.send(sent) for sent in follow_ups]
                else:
                    is_kept, sent_on = True, self._add_to(outcome, hop, entity)
                    outcome.messages += [departures.send(sent) for sent in sent_on]
                if is_kept:
                    outcome.records[key] = entity
            except Exception as error:  # one event must never stop a partition
                _log.exception("a hop could not be applied", key=key[:100])
                outcome.records[key] = entity
                self._rejector.reject(outcome, record, "evaluation_failed", error)
                self._fail(outcome, hop, departures, at_user=entity_key is None)
        arrivals = ((hop.identify(), record.offset) for _, _, record, hop in arrived if type(hop) is RoutedEvent)
        late = self.keep_scored(outcome, Source(partition, arrivals))
        answers = [Given(record.offset, hop) for _, _, record, hop in arrived if type(hop) is Answer]
        self.learn(outcome, partition, late + answers)

    def _apply_apart(self, outcome: StateOutcome, hop: Hop | Tick) -> list[Hop]:
        """Apply what is about no entity's record; what it brings about elsewhere."""
        if type(hop) is Tick:
            return self.pass_time(outcome, hop.ts_ms)
        if type(hop) is Mark or type(hop) is Answer:
            return self.meet(outcome, hop)
        if type(hop) is FailedEvent:
            self._replies.fail(outcome, hop.event())
        return []

    def _add_to(self, outcome: StateOutcome, hop: Hop | Tick, user: EntityRecord) -> Sequence[Hop]:
        """Apply what is about an event of before at its user; what it brings about elsewhere."""
        if type(hop) is RetroactiveMatch:
            return self.act_retroactively(outcome, hop, user)
        return self.follow(outcome, hop, user) if type(hop) is FollowUp else ()

    def _go_on(self, outcome: StateOutcome, routed: RoutedEvent, departures: Departures) -> None:
        """Send an event on from an entity, unless it ends there."""
        assert self._evaluator is not None
        entity_key = routed.next_entity()
        if entity_key is None and self._evaluator.is_settled(routed):
            self._ended += 1
        else:
            outcome.messages.append(departures.send_to(entity_key, routed))

    def _fail(self, outcome: StateOutcome, hop: Hop | Tick, departures: Departures, *, at_user: bool) -> None:
        """An event goes no further, and may be waited for: where its user is, this is known."""
        if type(hop) is not RoutedEvent or hop.type not in self._replies.types or hop.withdrawn:
            return
        if at_user:
            self._replies.fail(outcome, hop.event())
        else:
            outcome.messages.append(departures.send(failed(hop)))

    def count(self) -> None:
        """Tell the metrics of what has been done since the last call."""
        self._results.count()
        self._metrics.routed_events.inc(self._ended)
        self._ended = 0
        self.visits.count()

    def prepare_returned(self, routed_events: list[RoutedEvent]) -> list[Event]:
        """Those that are back as events, once the models have read their texts, before they are decided one by one."""
        assert self._evaluator is not None  # no partition is read before a rulebook is there
        return self._evaluator.prepare_returned(routed_events)

    def decide_returned(
        self, outcome: StateOutcome, routed: RoutedEvent, user: EntityRecord, event: Event
    ) -> tuple[bool, Sequence[FollowUp]]:
        """Decide an event that is back, as it was prepared. Whether that leaves something new in the user's record, and
        what follows."""
        assert self._evaluator is not None
        self._ended += 1
        result = self._evaluator.decide_returned(routed, event, user, outcome.ledger(self._evaluator.rulebook))
        if result.decision is not None:
            self._results.publish(outcome, result.decision, result.follow_ups)
        if event.type in self._replies.types:
            self._replies.reply_returned(outcome, event, result)
        is_new = bool(routed.clusters) or (result.decision is not None and bool(result.decision.hits))
        return is_new, result.follow_ups

    def follow(self, outcome: StateOutcome, follow_up: FollowUp, user: EntityRecord) -> list[Hop]:
        """Apply a follow-up at its user; what it brings about elsewhere."""
        assert self._evaluator is not None
        assert outcome.state is not None
        said = said_of(outcome.state, follow_up) if follow_up.withdrawn else ()
        result = self._evaluator.follow(follow_up, user, outcome.ledger(self._evaluator.rulebook), said)
        note_said(outcome, follow_up, result.said)
        self._results.collect(outcome, result)
        return hops_of(result)

    def pass_time(self, outcome: StateOutcome, ts_ms: int) -> list[Hop]:
        """It has become so late: what is due by then."""
        return self._absences.pass_time(outcome, ts_ms)

    def meet(self, outcome: StateOutcome, hop: Mark | Answer) -> list[Hop]:
        """An event is where it meets those that it may come of, or that come of it: what it answers, and what is due by
        then. What has come of one answers nothing, and is learned when all of its part of the batch are scored."""
        return self._absences.meet(outcome, hop) if type(hop) is Mark else []

    def flush(self, outcome: StateOutcome) -> None:
        """Keep what has changed where events meet; what that has ended is over."""
        self._absences.flush(outcome)
        self._absences.end_timers(outcome)

    def learn(self, outcome: StateOutcome, partition: int, answers: Sequence[Given]) -> None:
        """Make examples of what has come of events. Each is known by its offset."""
        if not answers:
            return
        try:
            self._answers.join(outcome, FROM_HOPS, partition, answers)
        except Exception:
            _log.exception("what has come of events could not be learned")
            self._metrics.outcomes.labels("failed").inc(len(answers))

    def keep_scored(self, outcome: StateOutcome, source: Source) -> list[Given]:
        """Keep what was scored when events were back. Returns what has come of them before."""
        assert self._evaluator is not None
        if not self._evaluator.rulebook.outcomes:
            self._scored.keep(outcome, self._evaluator, source)
            return []
        arrivals = list(source.arrivals)
        self._scored.keep(outcome, self._evaluator, source._replace(arrivals=arrivals))
        return self._answers.late(outcome, arrivals)

    def act_retroactively(
        self, outcome: StateOutcome, match: RetroactiveMatch, user: EntityRecord
    ) -> Sequence[FollowUp]:
        """Act on an earlier event; what follows."""
        assert self._evaluator is not None
        result = self._evaluator.decide_retroactively(match, user, outcome.ledger(self._evaluator.rulebook))
        if result.decision is not None:
            self._metrics.retroactive_matches.labels(match.rule).inc()
            self._results.publish(outcome, result.decision, result.follow_ups)
        return result.follow_ups
