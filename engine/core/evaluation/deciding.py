"""Decides: which rules hold for what has been read, what comes of them, and what is told of it."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from engine.core.domain.decisions import Decision, Outcome, strongest
from engine.core.domain.programs import Decider, Readings, Scorer
from engine.core.domain.reference import VERSIONS
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.absences import Timer
from engine.core.evaluation.enforcement import Case, Enforcement, Holding
from engine.core.evaluation.follow_ups import FollowUp, follow_ups_of
from engine.core.evaluation.outcomes import Mark
from engine.core.evaluation.reach import target_of
from engine.core.evaluation.routing import RoutedEvent


class Evaluation(msgspec.Struct):
    """One event's result: a decision where there is something to say, and the event as it goes on to its entities,
    if it does. Then the decision's actions stand, and its hits go along. `follow_ups`: of what is new in the decision;
    `timers`: what is waited for from the event on; `said`: by which conditions of counters it has entered these;
    `marks`: what it is to outcomes."""

    decision: Decision | None
    routed: RoutedEvent | None = None
    follow_ups: Sequence[FollowUp] = ()
    timers: Sequence[Timer] = ()
    said: Sequence[str] = ()
    marks: Sequence[Mark] = ()


NOTHING = Evaluation(None)

SAMPLED_BITS = 2**32 - 1
"""Of an identity: they tell whether a decision without a hit is published."""


class Deciding:
    """Decides by one rulebook. `sample_below`: of the decisions without a hit, those are published whose sampled bits
    are below; `before`: by rule, the rulebook that had it before it was changed last; `answered`: types of which all
    are made, though few are published."""

    def __init__(
        self, rulebook: Rulebook, scorers: Mapping[str, Scorer], sample_below: int, before: Mapping[str, Rulebook],
        answered: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._rulebook, self._scorers, self._sample_below, self._before = rulebook, scorers, sample_below, before
        self.enforcement, self._follow_ups, self._answered = Enforcement(rulebook), rulebook.follow_ups, answered
        self._is_followed = rulebook.follow_ups.of_decisions

    def decide_gathered(self, case: Case, decider: Decider, readings: Sequence[Readings]) -> None:
        """Decide with gathered values: a rule holds when it holds for one of the readings."""
        held: dict[int, list[Readings]] = {}
        for reading in readings:
            for index in decider.decide(case.event.fields, reading, case.now, case.scoring.ask):
                held.setdefault(index, []).append(reading)
        if held or decider.models:
            self.enforce(case, decider, held)

    def enforce(self, case: Case, decider: Decider, held: Mapping[int, Sequence[Readings]]) -> None:
        """Explain the rules that hold, and act. `held`: with the readings for which they do."""
        for name in decider.models:
            case.models[name] = self._scorers[name].version
        self.enforcement.allow(case, held)
        for index in sorted(held):
            self.enforcement.meet(case, self._holding(case, decider, held[index], index))

    def _holding(self, case: Case, decider: Decider, held: Sequence[Readings], index: int) -> Holding:
        event, rule, readings = case.event, self._rulebook.rules[index], held[0]
        clauses, counterfactual = decider.explain(index, event.fields, readings, case.now, case.scoring.scores)
        before = self._before.get(rule.name) if rule.budget is not None else None
        held_before: Callable[[], bool] = bool
        if before is not None:

            def held_before() -> bool:
                return before.would_hold(rule.name, event, readings, case.now, case.scoring.ask_if_known)

        return Holding(
            index, target_of(event, rule), clauses, counterfactual, held_before,
            lambda: decider.tell(index, event.fields, readings, case.now, case.scoring.scores), held,
        )  # fmt: skip

    def evaluation(self, case: Case) -> Evaluation:
        """The end of an event: its decision, where there is something to say."""
        if case.hits:
            return Evaluation(self.decision(case), None, self.followed(case), case.timers, marks=case.marks)
        is_published = self.is_sampled(case.event.identity or case.event.identify())
        decision = self.decision(case) if is_published or case.event.type in self._answered else None
        if decision is not None:
            decision.is_published = is_published
        return Evaluation(decision, timers=case.timers, marks=case.marks)

    def followed(self, case: Case) -> Sequence[FollowUp]:
        """The follow-ups of what is new."""
        if not self._is_followed:
            return ()
        return follow_ups_of(
            self._follow_ups, case.event, case.follow_keys, case.user_partition, case.followed, case.actions
        )

    def is_sampled(self, identity: int) -> bool:
        """Whether the decision of this event is published, though nothing has come of it."""
        return identity & SAMPLED_BITS < self._sample_below

    def decision(self, case: Case) -> Decision:
        """What has been decided so far."""
        outcome: Outcome = "allow" if case.allowed else strongest(case.hits)
        decision = Decision(
            case.event.event_id, case.event.user_id, case.event.ts_ms, case.event.type, outcome, tuple(case.hits),
            case.scoring.known(), self._rulebook.id, case.models, actions=tuple(case.actions), earlier=case.earlier,
        )  # fmt: skip
        if case.hits:
            decision.features = case.scoring.features()
        if case.actions:
            decision.contributions = case.scoring.contributions()
        if self._rulebook.lookups:  # else it could be the sender's
            decision.enrichment = case.event.fields.get(VERSIONS, {})
        return decision
