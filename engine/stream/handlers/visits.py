"""Routed events are counted at their entities, as far as the budget of entities has room."""

from collections.abc import Container

from engine.core.domain.kinds import READING, stored_kind
from engine.core.domain.rules import DEFAULT_MAX_KEYS, Rulebook
from engine.core.evaluation.routing import EntityKey, RetroactiveMatch, RoutedEvent
from engine.core.evaluation.visits import Admit, never, visit
from engine.core.kernel import hash64
from engine.core.state.entities import EntityRecord
from engine.state.store import PartitionState
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.metrics import Metrics


class Visits:
    """What routed events leave at their entities. `partitions`: among how many the entities are spread, each with its
    share of a budget of keys."""

    def __init__(self, metrics: Metrics, partitions: int) -> None:
        self._metrics, self._partitions = metrics, partitions
        self._rulebook: Rulebook | None = None
        self._visits: dict[str, int] = {}  # by kind of entity of the rulebook, since they were counted

    def use(self, rulebook: Rulebook) -> None:
        """Count by this from the next batch on."""
        self._rulebook, self._visits = rulebook, dict.fromkeys(rulebook.kinds(), 0)

    def count(self) -> None:
        """Tell the metrics of what has been done since the last call."""
        for kind, visits in self._visits.items():
            if visits:
                self._metrics.hops.labels(kind).inc(visits)
                self._visits[kind] = 0

    def visit(
        self, outcome: StateOutcome, routed: RoutedEvent, entity_key: EntityKey, entity: EntityRecord,
        busy: Container[bytes], key: bytes,
    ) -> list[RetroactiveMatch]:  # fmt: skip
        """Count an event at its next entity, if there is room for one more; nothing at one of a kind that the rulebook
        does not have. `busy`: the keys of records that this batch has at hand, the entity's `key` among them."""
        kind, state, rulebook = entity_key[0], outcome.state, self._rulebook
        assert state is not None
        assert rulebook is not None  # no partition is read before a rulebook is there
        if kind not in self._visits:
            return visit(routed, entity_key, entity, rulebook, never)
        self._visits[kind] += 1
        if READING in kind:
            return visit(routed, entity_key, entity, rulebook, self._has_room(state))
        if not entity.newest:
            return visit(routed, entity_key, entity, rulebook, self._admit(outcome, state, busy, key))
        if entity.is_provisional:
            entity.is_provisional = state.entity_budget().meet(kind, key, hash64(routed.user_id))
        return visit(routed, entity_key, entity, rulebook)

    def _has_room(self, state: PartitionState) -> Admit:
        def has_room(routed: RoutedEvent, entity_key: EntityKey) -> bool:
            kind = stored_kind(entity_key[0])
            return state.entity_budget().has_room(kind, routed.ts_ms, self._budget_of(kind))

        return has_room

    def _admit(self, outcome: StateOutcome, state: PartitionState, busy: Container[bytes], key: bytes) -> Admit:
        def admit(routed: RoutedEvent, entity_key: EntityKey) -> bool:
            budget, source = self._budget_of(entity_key[0]), hash64(routed.user_id)
            admission = state.entity_budget().admit(entity_key[0], key, routed.ts_ms, budget, source, busy)
            if admission.forgotten is not None:
                outcome.records[admission.forgotten] = state.renew(admission.forgotten)
            if not admission.admitted:
                self._metrics.keys_refused.labels(entity_key[0]).inc()
            return admission.admitted

        return admit

    def _budget_of(self, kind: str) -> int:
        """How many entities of a kind may be counted in a partition."""
        assert self._rulebook is not None
        return max(1, self._rulebook.max_keys.get(kind, DEFAULT_MAX_KEYS) // self._partitions)
