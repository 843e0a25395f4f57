"""What happens to a batch of events: decoded, decided, collected for publishing and keeping."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog

from engine.core.decisions import Decision
from engine.core.evaluator import Evaluation, Evaluator
from engine.core.events import Event
from engine.core.rules import Program, Rulebook
from engine.errors import EventError
from engine.learning.labels import ScoredEvent, ScoredModel
from engine.learning.models import ModelScorer
from engine.settings import Settings
from engine.state.store import PartitionState
from engine.stream.handlers import Outcome, Rejector, StateOutcome, States
from engine.stream.messages import (
    Message,
    decode_event,
    encode_action,
    encode_decision,
)
from engine.stream.metrics import Metrics

_log = structlog.stdlib.get_logger("floodgate")


class EventWorker:
    """Decides events: decode, load the entities, evaluate, collect what has to be published and kept."""

    def __init__(self, settings: Settings, states: States, end_state: Callable[[int], None], metrics: Metrics) -> None:
        self._settings, self._states, self._end_state, self._metrics = settings, states, end_state, metrics
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._mapping = settings.events.mapping()
        self._evaluator: Evaluator | None = None

    def use(self, rulebook: Rulebook, scorers: Mapping[str, ModelScorer]) -> None:
        """Decide with these from the next batch on."""
        self._evaluator = Evaluator(rulebook, scorers, self._settings.decision_sample)

    async def begin(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def end(self, partition: int) -> None:
        """Someone else writes this partition's state from now on."""
        self._end_state(partition)

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch: THE way of an event begins here, and goes on in `core/evaluator.py`."""
        evaluator = self._evaluator
        assert evaluator is not None  # no partition is read before a rulebook is there
        state = self._states(partition)
        outcome = StateOutcome(state=state)
        decoded = list(self._decode(evaluator.rulebook, partition, records, outcome))
        outcome.records = touched = state.load(dict.fromkeys(event.user_id for _, event, _ in decoded))
        skipped = 0
        for record, event, program in decoded:
            entity = touched[event.user_id]
            if record.offset <= entity.offset:
                skipped += 1  # applied before a crash; its actions went out before its state
                continue
            entity.offset = record.offset
            try:
                self._collect(outcome, state, event, evaluator.evaluate(event, program, entity))
            except Exception as error:  # one event must never stop a partition
                _log.exception("an event could not be decided", event_id=event.event_id)
                self._rejector.reject(outcome, record, "evaluation_failed", error)
        outcome.changes += state.dump(touched)
        self._count(evaluator, state, len(decoded) - skipped, skipped)
        return outcome

    def _decode(
        self, rulebook: Rulebook, partition: int, records: Sequence[Any], outcome: Outcome
    ) -> Iterable[tuple[Any, Event, Program]]:
        limit, ignored, misrouted = self._settings.events.max_message_bytes, 0, 0
        for record in records:
            try:
                event = decode_event(record.value, self._mapping, limit, record.timestamp)
            except EventError as error:
                self._rejector.reject(outcome, record, error.reason, error)
                continue
            program = rulebook.program(event.type)
            if program is None:
                ignored += 1
                continue
            misrouted += bool(record.key) and record.key != event.user_id.encode()
            yield record, event, program
        self._metrics.ignored.inc(ignored)
        self._metrics.misrouted.inc(misrouted)

    def _collect(self, outcome: StateOutcome, state: PartitionState, event: Event, result: Evaluation) -> None:
        messages = self._messages(result.decision) if result.decision is not None else []
        if result.features:
            scores = result.scores
            models = [ScoredModel(name, scores.get(name), value.encode()) for name, value in result.features.items()]
            # Before the entity's record in the changelog: whoever has the record has these too.
            outcome.changes.append(state.put_scored(event.event_id, ScoredEvent(tuple(models)).encode()))
            outcome.scored.append(event.event_id)
        outcome.messages += messages

    def _messages(self, decision: Decision) -> list[Message]:
        topics, metrics = self._settings.topics, self._metrics
        messages = [Message(topics.actions, one.target_id.encode(), encode_action(one)) for one in decision.actions]
        messages.append(Message(topics.decisions, decision.user_id.encode(), encode_decision(decision)))
        for action in decision.actions:
            metrics.actions.labels(action.rule, action.kind).inc()
        for hit in decision.hits:
            metrics.hits.labels(hit.rule, hit.effect).inc()
        metrics.decisions.labels(decision.outcome).inc()
        return messages

    def _count(self, evaluator: Evaluator, state: PartitionState, decided: int, skipped: int) -> None:
        metrics, tally = self._metrics, evaluator.tally
        metrics.events.inc(decided)
        metrics.replayed.inc(skipped)
        metrics.late.inc(tally.late)
        metrics.duplicates.inc(tally.duplicates)
        metrics.scores.labels("yes").inc(tally.scored)
        metrics.scores.labels("no").inc(tally.unknown_scores)
        metrics.cache_hits.inc(state.hits)
        metrics.cache_misses.inc(state.misses)
        tally.late = tally.duplicates = tally.scored = tally.unknown_scores = 0
        state.hits = state.misses = 0
