"""What comes of a rule that holds: it rests, climbs a ladder, keeps to its budget, acts."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from engine.core.domain.actions import ActionTemplate, Ladder
from engine.core.domain.decisions import Action, ClauseTrace, Deed, Effect, Hit, Value, explain, ordinal
from engine.core.domain.events import Event
from engine.core.domain.follow_ups import hit_type
from engine.core.domain.programs import Readings, entity_name
from engine.core.domain.rules import USER, Rule, Rulebook
from engine.core.domain.tells import Tell, Told
from engine.core.evaluation.absences import Timer
from engine.core.evaluation.budgets import allows_one_more
from engine.core.evaluation.choice import chosen, most_of
from engine.core.evaluation.outcomes import Mark
from engine.core.evaluation.reach import allows, cooldown_key, delay_ms, is_in_force, mode_at, named_by, withheld
from engine.core.evaluation.routing import EntityKey
from engine.core.evaluation.scoring import Scoring
from engine.core.kernel import hash64
from engine.core.series.entity_series import EntitySeries
from engine.core.state.entities import EntityRecord
from engine.core.state.strikes import Strike, count, enter
from engine.core.values.hashing import hash32
from engine.core.values.identity import action_id

_MET: tuple[Effect, ...] = ("acted", "shadow", "spared", "holdout")
"""After these a rule rests, and strikes where it is on a ladder: whether it acts or not, it meets the same."""


_FOLLOWED: frozenset[Effect] = frozenset(("acted", "cooldown", "strike", "shadow"))


class Case(msgspec.Struct):
    """One event while it is decided. `now`: its time on the record's scale; `ledger`: its partition's, where rules
    have budgets; `resting`: which rules rest at other entities, as the event has found; `follow_keys`: the entities
    that its follow-ups go to; `followed`: the types of those of its hits."""

    event: Event
    record: EntityRecord
    now: int
    scoring: Scoring
    ledger: EntityRecord | None = None
    allowed: bool = False
    earlier: bool = False
    hits: list[Hit] = []
    actions: list[Action] = []
    models: dict[str, str] = {}
    resting: Mapping[str, bool] = {}
    user_partition: int = 0
    follow_keys: list[EntityKey] = []
    timers: Sequence[Timer] = ()
    followed: list[str] = []
    marks: Sequence[Mark] = ()


class Holding(msgspec.Struct, frozen=True):
    """A rule that holds for an event. `held_before`: as for `budgets.allows_one_more`; `values`: what it tells;
    `readings`: those for which it holds."""

    index: int
    target_id: str | None
    clauses: tuple[ClauseTrace, ...]
    counterfactual: str | None
    held_before: Callable[[], bool] | None = bool
    values: Callable[[], Mapping[str, Value]] = dict
    readings: Sequence[Readings] = ()

    def entities(self, kind: str) -> list[str]:
        """The entities of a kind by which the rule counts and at which it holds, by their keys."""
        gathered = [reading for reading in self.readings if not isinstance(reading, EntitySeries)]
        keys = dict.fromkeys(reading.get(entity_name(kind)) for reading in gathered)
        return [key for key in keys if isinstance(key, str)]


class Enforcement:
    """Turns rules that hold into hits and actions, by one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook, self._is_followed = rulebook, rulebook.follow_ups.of_decisions
        self._allow = frozenset(i for i, rule in enumerate(rulebook.rules) if rule.then.kind == "allow")

    def allow(self, case: Case, held: Collection[int]) -> None:
        """Note whether one of the rules that hold keeps the others from acting."""
        if not case.allowed and not self._allow.isdisjoint(held):
            case.allowed = any(allows(self._rulebook.rules[i], case.event) for i in held if i in self._allow)

    def meet(self, case: Case, holding: Holding) -> None:
        """One rule holds: add the hit, and the action where it acts."""
        rule, clauses = self._rulebook.rules[holding.index], holding.clauses
        looks_back = rule.then.lookback_ms is not None
        if looks_back and not case.record.meet(hash64(f"{rule.name}\x00{case.event.identify()} {case.event.content}")):
            return  # another of its entities was faster, or the event itself
        effect, thens, strike = self._effect(case, rule, holding), (rule.then, *rule.further), None
        acts, is_met = effect == "acted", effect in _MET
        if rule.ladder is not None and is_met:
            strike = _strike(case, rule, rule.ladder, acts)
            strikes = enter(case.record, strike, case.now, rule.ladder.decay_ms)
            clauses += (_describe_strike(rule.ladder, strikes),)
            step = rule.ladder.step(strikes)
            if step is not None:
                thens = (step,)
            elif effect != "shadow":
                effect = "strike"
        stands = _standing(case, rule, holding) if effect == "cooldown" else ()
        mode = mode_at(rule, case.event.ts_ms)[0]
        case.hits.append(Hit(rule.name, mode, effect, clauses, holding.counterfactual, stands))
        if self._is_followed:
            case.followed += _followed(case, rule, holding, effect)
        if rule.cooldown_ms and is_met and _rests_at_user(case, rule):
            case.record.cool(cooldown_key(rule, acts), case.now, rule.cooldown_ms)
        if effect == "acted" and holding.target_id is not None and holding.index not in self._allow:
            explanation = explain(clauses, holding.counterfactual)
            case.actions += self._act(case, rule, thens, holding, explanation, strike)

    def _effect(self, case: Case, rule: Rule, holding: Holding) -> Effect:
        if holding.target_id is None:
            return "no_target"
        in_force = is_in_force(rule, case.event, holding.target_id)
        may_withhold = rule.holdout or rule.spares
        why_not = withheld(rule, case.event, holding.target_id) if may_withhold else None
        if rule.cooldown_ms and _rests(case, rule, in_force and why_not is None):
            return "cooldown"
        if not in_force:
            return "shadow"
        if holding.index in self._allow:
            return "acted"
        if case.allowed:
            return "allowed"
        return why_not or "acted" if _can_afford(case, rule, holding) else "budget"

    def _act(
        self, case: Case, rule: Rule, thens: Sequence[ActionTemplate], holding: Holding, explanation: str,
        strike: Strike | None,
    ) -> Iterator[Action]:  # fmt: skip
        """The actions of a hit, in their order. A further one whose target the event does not name is left out."""
        event, not_before_ms = case.event, None
        for place, then in enumerate(thens):
            tell = _told(then.tell or rule.tell, holding)
            for named in _targets(case, rule, then, holding):
                further = (then.kind, then.scope or "") if place else ()
                identity = action_id(
                    (event.user_id, event.type, event.event_id), event.content, rule.name, (then.target, named), further
                )
                if not_before_ms is None and rule.delays_ms[1]:
                    not_before_ms = event.ts_ms + delay_ms(rule, identity)
                yield Action(
                    identity, event.ts_ms, then.kind, then.scope, then.target, named, event.event_id, event.user_id,
                    rule.name, rule.reason, then.for_ms, explanation, self._rulebook.id, case.models, case.earlier,
                    then.needs, rule.told, event.identify(), strike, not_before_ms, tell,
                )  # fmt: skip


def _followed(case: Case, rule: Rule, holding: Holding, effect: Effect) -> Iterator[str]:
    """The type of a hit's follow-up. While a rule rests, what it meets goes on, and counts as what it would do else;
    what is kept from acting counts for nothing."""
    if effect not in _FOLLOWED or holding.target_id is None:
        return
    in_force = is_in_force(rule, case.event, holding.target_id)
    if not (in_force and (rule.holdout or rule.spares) and withheld(rule, case.event, holding.target_id)):
        yield hit_type(rule.name, is_shadow=not in_force)


def _targets(case: Case, rule: Rule, then: ActionTemplate, holding: Holding) -> Sequence[str]:
    """Whom or what an action is about. Of the domains or networks of an event those at which the rule holds, if it
    counts by them; else all, as many as would be counted."""
    if then.keys is not None:
        return holding.entities(then.target) or chosen(then.keys(case.event.fields), most_of(then.target))
    named = holding.target_id if then.target == rule.then.target else named_by(case.event, then)
    return [named] if named is not None else []


def _told(tell: Tell | None, holding: Holding) -> Told | None:
    return Told(tell, holding.values() if tell.is_filled else {}) if tell is not None else None


def _rests_at_user(case: Case, rule: Rule) -> bool:
    """A rule that rests at another entity rests at the user of an event that does not name one."""
    return rule.rests == USER or rule.name not in case.resting


def _rests(case: Case, rule: Rule, acts: bool) -> bool:
    """At its user; where it rests at another entity, the event has learned of it there."""
    if not _rests_at_user(case, rule):
        return case.resting[rule.name]
    return case.record.cooling(cooldown_key(rule, acts), case.now)


def _standing(case: Case, rule: Rule, holding: Holding) -> tuple[Deed, ...]:
    """What a rule that rests would do again. What waits says nothing, as if nothing had come of it."""
    target = holding.target_id
    if target is None or case.allowed or rule.delays_ms[1] or not is_in_force(rule, case.event, target):
        return ()
    if (rule.holdout or rule.spares) and withheld(rule, case.event, target):
        return ()
    thens: Sequence[ActionTemplate | None] = (rule.then, *rule.further)
    if rule.ladder is not None:
        thens = (rule.ladder.step(count(case.record, rule.ladder.key, case.now, rule.ladder.decay_ms)),)
    return tuple(Deed(then.kind, then.scope, then.needs) for then in thens if then is not None)


def _can_afford(case: Case, rule: Rule, holding: Holding) -> bool:
    if rule.budget is None or case.ledger is None:
        return True
    return allows_one_more(case.ledger, rule.budget, case.event.user_id, case.event.ts_ms, holding.held_before)


def _strike(case: Case, rule: Rule, ladder: Ladder, counts: bool) -> Strike:
    """What does not act strikes on a ladder of its own."""
    key = ladder.key if counts else hash32(f"{ladder.key} {rule.key}")
    return Strike(key, hash64(f"{case.event.identify()} {case.event.content}"))


def _describe_strike(ladder: Ladder, strikes: int) -> ClauseTrace:
    return ClauseTrace(f"{ordinal(strikes)} strike on ladder {ladder.name}", {f"ladder.{ladder.name}": strikes}, True)
