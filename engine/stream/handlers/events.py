"""What happens to a batch of events: decoded, decided, collected for publishing and keeping."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from engine.core.domain.events import EARLIEST_MS, LATEST_MS, Event
from engine.core.domain.programs import Program
from engine.core.domain.reference import NoReferenceData, ReferenceData
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.deciding import NOTHING, Evaluation
from engine.core.evaluation.enrichment import enrich
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.routing import RoutedEvent
from engine.core.values.identity import INVALID_FIELDS, TEXT_FIELDS
from engine.errors import EventError
from engine.settings import Settings
from engine.state.store import PartitionState, user_record_key
from engine.stream.handlers.absences import Absences
from engine.stream.handlers.answers import Answers
from engine.stream.handlers.batches import Outcome, Rejector, StateOutcome, States, dump_records, slices
from engine.stream.handlers.hop_messages import FROM_EVENTS, Departures, Hop
from engine.stream.handlers.kept_events import keep_events
from engine.stream.handlers.messages import decode_event
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.replies import Replies
from engine.stream.handlers.results import Results
from engine.stream.handlers.scored_events import ScoredEvents, Source
from engine.stream.handlers.traced import NOTHING_TRACED, Traced

_log = structlog.stdlib.get_logger("floodgate")


_AT_ONCE = 250
"""Events that are decoded, and read by the models, at a stretch."""

GoOn = Callable[[StateOutcome, Any, Sequence[Hop]], None]
"""Takes what an event brings about elsewhere, as it goes on to its entities and has follow-ups, and the record that it
came as."""

FIXED_FIELDS = frozenset((*TEXT_FIELDS, "ts"))
"""What invalid fields are counted by; all others are told as one, as their names are the sender's."""


def arrival_of(record: Any, latest_ms: int = LATEST_MS) -> int | None:
    """When a record arrived, as it says, and at the latest then; None where it does not say."""
    arrived_ms = record.timestamp
    return min(arrived_ms, latest_ms) if arrived_ms is not None and EARLIEST_MS <= arrived_ms <= LATEST_MS else None


class EventWorker:
    """Decides events: decode, load the users, evaluate, collect what has to be published and kept. `clock` (epoch
    seconds): no record has arrived later than this; without it, all are believed. `reference`: what is looked up beside
    what events say."""

    def __init__(
        self, settings: Settings, states: States, end_state: Callable[[int], None], metrics: Metrics,
        clock: Callable[[], float] | None = None, reference: ReferenceData | None = None,
    ) -> None:  # fmt: skip
        self._clock, self._reference = clock, reference or NoReferenceData()
        self._settings, self._states, self._end_state, self._metrics = settings, states, end_state, metrics
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._results = Results(settings, metrics)
        self._scored = ScoredEvents(FROM_EVENTS, settings, metrics)
        self._absences = Absences(settings, self._results, metrics)
        self._answers, self._replies = Answers(settings.topics.examples, metrics), Replies(settings)
        self._mapping, self._pseudonyms = settings.events.mapping(), settings.pseudonyms()
        self._evaluator: Evaluator | None = None
        self.traced: Traced = NOTHING_TRACED

    def use(self, evaluator: Evaluator) -> None:
        """Decide with this from the next batch on."""
        self._evaluator = evaluator
        self._scored.use(evaluator)
        self._absences.use(evaluator)
        self._answers.use(evaluator)
        self._replies.use(evaluator)

    async def on_assigned(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def on_revoked(self, partition: int) -> None:
        """Someone else writes this partition's state from now on."""
        self._end_state(partition)

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch: THE way of an event begins here, and goes on in `core/evaluation/evaluator.py`."""
        departures = Departures(self._settings.topics.hops, FROM_EVENTS, partition, self.traced)

        def send(outcome: StateOutcome, record: Any, hops: Sequence[Hop]) -> None:
            departures.begin(record.offset)
            for hop in hops:
                try:
                    outcome.messages.append(departures.send(hop))
                except Exception as error:  # neither a partition nor what others have waited for stops at one event
                    self._rejector.reject(outcome, record, "cannot_travel", error)
                    if type(hop) is RoutedEvent and hop.type in self._replies.types:
                        self._replies.fail(outcome, hop.event())

        return self.decide(partition, records, send)

    def decide(self, partition: int, records: Sequence[Any], go_on: GoOn) -> StateOutcome:
        """What a batch brings about. `go_on` takes the events that go on to their entities."""
        evaluator = self._evaluator
        assert evaluator is not None  # no partition is read before a rulebook is there
        state = self._states(partition)
        outcome, arrived, applied = StateOutcome(state=state), list[tuple[bytes, Any]](), 0
        ledger, keeps = outcome.ledger(evaluator.rulebook), evaluator.rulebook.follow_ups.of_labels
        are_asked, answered = self._absences.are_asked, self._replies.types
        self._absences.look(state)
        for few in slices(records, _AT_ONCE):
            decoded, passed = self._decode(evaluator.rulebook, few, outcome)
            touched = state.load(dict.fromkeys([key for key, _, _, _ in decoded]))
            outcome.records |= touched
            evaluator.prepare([(event, program.decider) for _, _, event, program in decoded])
            kept, tally, duplicates = list[Event](), evaluator.tally, evaluator.tally.duplicates
            for place, (key, record, event, program) in enumerate(decoded):
                entity = touched[key]
                arrived.append((key, record))
                hops: list[Hop] = []
                if are_asked:
                    now_ms = max(event.ts_ms, passed.get(place, 0)) if passed else event.ts_ms
                    hops = self._absences.advance(outcome, now_ms)
                if record.offset > entity.offset:  # else applied before a crash; its actions went out before its state
                    entity.offset = record.offset
                    applied += 1
                    try:
                        result = (
                            evaluator.evaluate(event, program, entity, partition, ledger)
                            if event.type not in answered
                            else self._answer(outcome, record, event, (program, entity, partition, ledger))
                        )
                        if result is not NOTHING:
                            hops += self._collect(outcome, result)
                    except Exception as error:  # one event must never stop a partition
                        _log.exception("an event could not be decided", event_id=event.event_id)
                        self._rejector.reject(outcome, record, "evaluation_failed", error)
                if hops:
                    go_on(outcome, record, hops)
                if keeps and tally.duplicates == duplicates:  # what comes again does not replace a newer one
                    kept.append(event)
                elif keeps:
                    duplicates = tally.duplicates
            if len(decoded) in passed and (hops := self._absences.advance(outcome, passed[len(decoded)])):
                go_on(outcome, few[-1], hops)
            self._keep(outcome, partition, [(record.offset, event) for _, record, event, _ in decoded], kept)
        self._absences.flush(outcome)
        dump_records(outcome, arrived, self._rejector)
        self._absences.finish(outcome)
        self._count(evaluator, state, applied, len(arrived) - applied)
        return outcome

    def _answer(self, outcome: StateOutcome, record: Any, event: Event, where: tuple[Any, ...]) -> Evaluation:
        """Decide an event of a type about which somebody may ask. `where`: what the evaluator takes beside it."""
        evaluator, kept = self._evaluator, self._replies.arrive(outcome, record, event)
        assert evaluator is not None  # no partition is read before a rulebook is there
        if kept is None:
            evaluator.tally.duplicates += 1
            return NOTHING
        try:
            result = evaluator.evaluate(event, *where)
            self._replies.reply(outcome, kept, event, result)
        except Exception:
            self._replies.fail(outcome, event, kept)
            raise
        return result

    def _collect(self, outcome: StateOutcome, result: Evaluation) -> list[Hop]:
        """Take what has come of an event; returns what goes on elsewhere."""
        hops: list[Hop] = []
        self._results.collect(outcome, result)
        if result.timers:
            self._absences.begin(outcome, result.timers)
        if result.marks:
            hops += self._absences.outcomes.take(outcome, result.marks)
        if result.routed is not None:
            hops.append(result.routed)
        hops += result.follow_ups
        return hops

    def _keep(
        self, outcome: StateOutcome, partition: int, decided: Sequence[tuple[int, Event]], kept: Sequence[Event]
    ) -> None:
        """Keep what labels and outcomes will be about. `decided`: offsets and events of a part of a batch; `kept`:
        those of which labels are counted."""
        state, evaluator = outcome.state, self._evaluator
        assert state is not None
        assert evaluator is not None  # no partition is read before a rulebook is there
        self._scored.keep(outcome, evaluator, Source(partition, ((event.identify(), at) for at, event in decided)))
        if evaluator.rulebook.outcomes and state.noted.unscored:
            arrivals = ((event.identify(), at) for at, event in decided)
            self._answers.catch_up(outcome, partition, arrivals)
        if kept:
            outcome.keep_scored(keep_events(state.scored, evaluator.rulebook.follow_ups, kept))

    def _decode(
        self, rulebook: Rulebook, records: Sequence[Any], outcome: Outcome
    ) -> tuple[list[tuple[bytes, Any, Event, Program]], dict[int, int]]:
        """The events that something asks about; and before which of them, by its place, how late it was by others."""
        decoded: list[tuple[bytes, Any, Event, Program]] = []
        passed: dict[int, int] = {}
        limit, ignored, misrouted = self._settings.events.max_message_bytes, 0, 0
        skewed, latest_ms, mapping, looks_up = 0, self._latest_ms(), self._mapping, bool(rulebook.lookups)
        for record in records:
            try:
                arrived_ms = record.timestamp  # as `arrival_of` tells, without a call for what is usual
                if arrived_ms is None or not EARLIEST_MS <= arrived_ms <= latest_ms:
                    arrived_ms = arrival_of(record, latest_ms)
                event = decode_event(record.value, mapping, limit, arrived_ms)
            except Exception as error:  # one message must never stop a partition
                reason = error.reason if isinstance(error, EventError) else "not_an_event"
                self._rejector.reject(outcome, record, reason, error)
                self._replies.refuse(outcome, record)
                continue
            program = rulebook.program(event.type)
            if program is None:
                ignored += 1
                if event.type in self._replies.types:
                    self._replies.pass_over(outcome, record, event)
                if self._absences.are_asked:
                    passed[len(decoded)] = max(passed.get(len(decoded), 0), event.ts_ms)
                continue
            if event.is_skewed:
                skewed += 1
            if INVALID_FIELDS in event.fields:
                self._note_invalid(event.fields[INVALID_FIELDS])
            key = user_record_key(event.user_id)
            if record.key and record.key != key[1:]:
                misrouted += 1
            if looks_up:  # by ids as they are, so before they are hidden
                at_ms = arrived_ms if arrived_ms is not None else event.ts_ms
                enrich(event.fields, rulebook, program, self._reference, at_ms)
            if self._pseudonyms is not None:
                self._pseudonyms.conceal(event)
                key = user_record_key(event.user_id)
            decoded.append((key, record, event, program))
        self._metrics.ignored.inc(ignored)
        self._metrics.misrouted.inc(misrouted)
        self._metrics.skewed.inc(skewed)
        return decoded, passed

    def _latest_ms(self) -> int:
        """The latest arrival that is believed: producers may stamp records as their own clients say."""
        if self._clock is None:
            return LATEST_MS
        return round(self._clock() * 1_000) + self._settings.events.clock_tolerance_ms

    def _note_invalid(self, names: Sequence[str]) -> None:
        for name in names:
            self._metrics.invalid.labels(name if name in FIXED_FIELDS else "other").inc()

    def _count(self, evaluator: Evaluator, state: PartitionState, decided: int, skipped: int) -> None:
        metrics, tally = self._metrics, evaluator.tally
        self._results.count()
        metrics.events.inc(decided)
        metrics.replayed.inc(skipped)
        metrics.late.inc(tally.late)
        metrics.skewed.inc(tally.skewed)
        metrics.duplicates.inc(tally.duplicates)
        metrics.conflicting.inc(tally.conflicting)
        metrics.scores.labels("yes").inc(tally.scored)
        metrics.scores.labels("no").inc(tally.unknown_scores)
        metrics.cache_hits.inc(state.hits)
        metrics.cache_misses.inc(state.misses)
        tally.late = tally.skewed = tally.duplicates = tally.conflicting = 0
        tally.scored = tally.unknown_scores = 0
        state.hits = state.misses = 0
