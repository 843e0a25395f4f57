"""What happens to a batch of the hops topic: events at their entities and back at user_partition, matches.

Counted once: an entity's record carries the offset of the last message applied to it, as a user's does. A
message that was sent twice, because the worker that sent it died before it had noted so, comes at another
offset; it is known by its origin. Messages of one source partition arrive in the order of their numbers, so
one watermark for each source partition tells them, and what the first one brought about stands.
"""

from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from typing import Any

import structlog

from engine.core.domain.events import MAX_CLOCK_TOLERANCE_MS
from engine.core.domain.rules import DEFAULT_MAX_KEYS
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.routing import EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.evaluation.visits import never, visit
from engine.core.kernel import hash64
from engine.core.state.entities import EntityRecord
from engine.core.values.hashing import hash32
from engine.errors import StateError
from engine.settings import Settings
from engine.state.store import PartitionState, entity_record_key
from engine.state.store import Source as StateSource
from engine.stream.handlers.batches import IsSealed, Outcome, Rejector, StateOutcome, States, accept_any, dump_records
from engine.stream.handlers.erasure import Forget, forget
from engine.stream.handlers.hop_messages import (
    FROM_HOPS,
    FROM_PUBLISHERS,
    MESSAGES_PER_RECORD,
    Departures,
    Origin,
    belongs,
    decode_hop,
    state_key,
)
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.results import Results
from engine.stream.handlers.scored_events import ScoredEvents, Source
from engine.stream.kafka.placing import Place
from engine.stream.kafka.publishers import Accept, accept_all, sequence_of

_log = structlog.stdlib.get_logger("floodgate")


EndOf = Callable[[StateSource], Awaitable[int]]
"""Gives the offset behind the last record of a partition of the events (0) or of the hops (1)."""

_JUMP = 100_000 * MESSAGES_PER_RECORD
"""A message whose number is so much larger than the last one's is looked at twice: so many records without one for this
partition are unusual, not impossible."""


_Jump = tuple[int, StateSource]
"""The partition that is read, and the source that a message there says it comes from."""


async def _unknown_end(_: StateSource) -> int:
    """Nobody can tell: any number is believed."""
    return 1 << 62


class HopWorker:
    """Takes routed events to one entity after the other, decides those that are back, and acts on retroactive matches.

    `partitions`: among how many the entities are spread, each with its share of a budget of keys; `place`: on which of
    them each is, where what has been copied from another partition is to be refused.
    """

    def __init__(
        self, settings: Settings, states: States, metrics: Metrics, partitions: int, accept: Accept = accept_all,
        end_of: EndOf = _unknown_end, is_sealed: IsSealed = accept_any,
        place: Place | None = None,
    ) -> None:  # fmt: skip
        self._place = place
        self._is_sealed = is_sealed
        self._end_of, self._ends, self._asked = end_of, dict[_Jump, int](), set[_Jump]()
        self._trusted = dict[_Jump, int]()  # the number from which on a source is believed without another look
        self._settings, self._states, self._metrics, self._accept = settings, states, metrics, accept
        self._partitions = partitions
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._results = Results(settings, metrics)
        self._scored = ScoredEvents(FROM_HOPS, settings, metrics)
        self._evaluator: Evaluator | None = None
        self._visits: dict[str, Any] = {}  # by kind of entity of the rulebook, its counter

    def use(self, evaluator: Evaluator) -> None:
        """Decide with this from the next batch on."""
        self._evaluator = evaluator
        self._scored.use(evaluator)
        self._visits = {kind: self._metrics.hops.labels(kind) for kind in evaluator.rulebook.kinds()}

    async def on_assigned(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def on_revoked(self, partition: int) -> None:
        """The state belongs to the event worker, which ends it."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of hops."""
        state = self._states(partition)
        outcome = StateOutcome(state=state)
        requests: list[Forget] = []
        new = self._new(partition, state, records, outcome, requests)
        arrived = list(new)
        touched = state.load(dict.fromkeys(key for key, _, _ in arrived))
        self.prepare_returned(
            [what for _, _, what in arrived if isinstance(what, RoutedEvent) and what.next_entity() is None]
        )
        for key, record, what in arrived:
            entity = touched[key]
            if record.offset <= entity.hops:
                continue  # applied before a crash; what it brought about went out before its state
            entity.hops = record.offset
            try:
                if self._apply(outcome, partition, record, what, entity, touched):
                    outcome.records[key] = entity
            except Exception as error:  # one event must never stop a partition
                _log.exception("an event could not be decided", event_id=what.event_id)
                outcome.records[key] = entity
                self._rejector.reject(outcome, record, "evaluation_failed", error)
        arrivals = ((what.identify(), record.offset) for _, record, what in arrived if isinstance(what, RoutedEvent))
        self.keep_scored(outcome, Source(partition, arrivals))
        for request in requests:
            forget(state, request, outcome)
        dump_records(outcome, ((key, record) for key, record, _ in arrived), self._rejector)
        # The watermarks come last: whoever has them has all that came before them.
        outcome.changes += [*state.dump_entity_budget(), state.dump_watermarks()]
        return outcome

    def _apply(
        self,
        outcome: StateOutcome,
        partition: int,
        record: Any,
        what: RoutedEvent | RetroactiveMatch,
        entity: EntityRecord,
        touched: Container[bytes],
    ) -> bool:
        """Apply one message; whether there is something new to keep in the record."""
        if isinstance(what, RetroactiveMatch):
            self.act_retroactively(outcome, what, entity)
            return True
        if what.next_entity() is None:
            return self.decide_returned(outcome, what, entity)
        departures = Departures(self._settings.topics.hops, FROM_HOPS, partition, record.offset)
        matches = self.visit(outcome, what, entity, touched)
        assert self._evaluator is not None
        if what.next_entity() is None and self._evaluator.is_settled(what):
            self._metrics.routed_events.inc()
            outcome.messages += departures.send_matches(matches)
        else:
            outcome.messages += [departures.send(what), *departures.send_matches(matches)]
        return bool(entity.newest)  # else it was refused, and leaves nothing behind

    def _is_plausible(self, origin: Origin, jump: _Jump) -> bool:
        """Whether the record that a message says it comes from is known to be there."""
        return origin.number // MESSAGES_PER_RECORD < self._ends.get(jump, 0)

    def _ask(self, outcome: StateOutcome, record: Any, jump: _Jump) -> None:
        """Look how far a source reaches before a message with a far larger number than all before is believed: all that
        came behind a made-up one would be taken for repeated. Then the partition is read on from this record."""
        self._asked.add(jump)
        self._ends.pop(jump, None)

        async def look() -> None:
            self._ends[jump] = await self._end_of(jump[1])

        outcome.read_from, outcome.before_reading = record.offset, look

    def visit(
        self, outcome: StateOutcome, routed: RoutedEvent, entity: EntityRecord, busy: Container[bytes]
    ) -> list[RetroactiveMatch]:
        """Count an event at an entity, if there is room for one more, and nothing at one of a kind that the rulebook
        does not have. `busy`: the keys of records that this batch has at hand."""
        entity_key, state = routed.next_entity(), outcome.state
        assert entity_key is not None
        assert state is not None
        assert self._evaluator is not None  # no partition is read before a rulebook is there
        rulebook, entity_budget = self._evaluator.rulebook, state.entity_budget()
        if entity_key[0] not in self._visits:
            return visit(routed, entity, rulebook, never)
        self._visits[entity_key[0]].inc()
        key, source = entity_record_key(entity_key), hash64(routed.user_id)
        if entity.newest:
            entity_budget.meet(entity_key[0], key, source)

        def admit(routed: RoutedEvent, entity_key: EntityKey) -> bool:
            budget = max(1, rulebook.max_keys.get(entity_key[0], DEFAULT_MAX_KEYS) // self._partitions)
            admission = entity_budget.admit(entity_key[0], key, routed.ts_ms, budget, source, busy)
            if admission.forgotten is not None:
                outcome.records[admission.forgotten] = state.renew(admission.forgotten)
            if not admission.admitted:
                self._metrics.keys_refused.labels(entity_key[0]).inc()
            return admission.admitted

        return visit(routed, entity, rulebook, admit)

    def prepare_returned(self, routed_events: list[RoutedEvent]) -> None:
        """Let the models read the texts of events that are back, before these are decided one by one."""
        assert self._evaluator is not None  # no partition is read before a rulebook is there
        self._evaluator.prepare_returned(routed_events)

    def decide_returned(self, outcome: StateOutcome, routed: RoutedEvent, user: EntityRecord) -> bool:
        """Decide an event that is back; whether that leaves something new in the user's record."""
        assert self._evaluator is not None
        self._metrics.routed_events.inc()
        result = self._evaluator.decide_returned(routed, user, outcome.ledger(self._evaluator.rulebook))
        if result.decision is not None:
            self._results.publish(outcome, result.decision)
        return bool(routed.clusters) or (result.decision is not None and bool(result.decision.hits))

    def keep_scored(self, outcome: StateOutcome, source: Source) -> None:
        """Keep what was scored when events were back."""
        assert self._evaluator is not None
        self._scored.keep(outcome, self._evaluator, source)

    def act_retroactively(self, outcome: StateOutcome, match: RetroactiveMatch, user: EntityRecord) -> None:
        """Act on an earlier event."""
        assert self._evaluator is not None
        decision = self._evaluator.decide_retroactively(match, user, outcome.ledger(self._evaluator.rulebook))
        if decision is not None:
            self._metrics.retroactive_matches.labels(match.rule).inc()
            self._results.publish(outcome, decision)

    def _is_asked(self, record: Any, watermarks: dict[StateSource, int]) -> bool:
        """Whether a request to forget comes from one who may, and for the first time."""
        origin = self._accept(record, "forget")
        if origin is None or origin.name is None:
            return origin is not None
        source, sequence = (FROM_PUBLISHERS, hash32(origin.name)), sequence_of(record)
        if sequence <= watermarks.get(source, -1):
            return False
        watermarks[source] = sequence
        return True

    def _new(
        self,
        partition: int,
        state: PartitionState,
        records: Sequence[Any],
        outcome: StateOutcome,
        requests: list[Forget],
    ) -> Iterator[tuple[bytes, Any, RoutedEvent | RetroactiveMatch]]:
        """The messages that have not been applied, under another offset, before, with the key of the record that each
        is about. Requests to forget are set apart."""
        watermarks, repeated = state.watermarks(), 0
        for record in records:
            try:
                decoded = decode_hop(record.value)
            except StateError as error:
                self._rejector.reject(outcome, record, "not_a_hop", error)
                continue
            if isinstance(decoded, Forget):
                if self._is_asked(record, watermarks):
                    requests.append(decoded)
                else:
                    refused = StateError("it does not come from one who may make the engine forget, or comes again")
                    self._rejector.reject(outcome, record, "not_a_publishers", refused)
                continue
            origin, what = decoded
            if not self._is_sealed(record):
                self._rejector.reject(outcome, record, "not_a_workers", StateError("it does not come from a worker"))
                continue
            if record.timestamp is not None and what.ts_ms > record.timestamp + MAX_CLOCK_TOLERANCE_MS:
                ahead = StateError(f"its event is of {what.ts_ms}, its own record of {record.timestamp}")
                self._rejector.reject(outcome, record, "not_a_hop", ahead)
                continue
            if what.user_partition >= self._partitions or origin.partition >= self._partitions:
                missing = StateError(f"it names a partition that is not there: there are {self._partitions}")
                self._rejector.reject(outcome, record, "not_a_hop", missing)
                continue
            key = state_key(what)
            if not belongs(what, key, partition, self._place):
                elsewhere = StateError("it belongs to another partition")
                self._rejector.reject(outcome, record, "not_of_this_partition", elsewhere)
                continue
            known = watermarks.get(origin.source, -1)
            if origin.number <= known:
                repeated += 1
                continue
            jump = (partition, origin.source)
            trusted = self._trusted.setdefault(jump, known)
            if origin.number - trusted > _JUMP and not self._is_plausible(origin, jump):
                if jump not in self._asked:
                    self._ask(outcome, record, jump)
                    break
                made_up = StateError(f"its number {origin.number} is of no record of {origin.source}")
                self._rejector.reject(outcome, record, "not_a_hop", made_up)
                continue
            if origin.number - trusted > _JUMP:
                self._trusted[jump] = origin.number
            watermarks[origin.source] = origin.number
            yield key, record, what
        # Asked and answered: the next jump is looked at anew. Other partitions may be read before this one is again.
        self._asked.difference_update([one for one in self._ends if one[0] == partition])
        self._metrics.repeated_hops.inc(repeated)
