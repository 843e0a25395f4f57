"""Rules that rest at entities: what they need in order to be decided there as far as that goes.

A rule that counts by the entity at which it rests, and by no other one, is asked there about its counters. Any other
rule is asked when the event has been at all entities that it counts by, and rests in a place of its own.
"""

from engine.core.domain.kinds import RESTING
from engine.core.domain.programs import Rest
from engine.core.domain.rules import USER, threshold_of
from engine.rulebook.codegen.entities import EntityWriter
from engine.rulebook.codegen.functions import Vocabulary
from engine.rulebook.codegen.lookbacks import is_not_overruled, is_split
from engine.rulebook.sections.dependencies import Dependencies
from engine.rulebook.sections.rules import RuleDeclaration


def find_rests(rules: list[RuleDeclaration], words: Vocabulary, needs: Dependencies) -> dict[str, tuple[Rest, ...]]:
    """The rules that rest at entities, by the kind of the place. What is wrong with them is reported."""
    writer, by_kind = EntityWriter(words), dict[str, list[Rest]]()
    for index, rule in enumerate(rules):
        if rule.rule.rests != USER and _can_rest(rule, rules, needs):
            place = resting_place(rule, needs)
            by_kind.setdefault(place, []).append(writer.rest(index, rule, place, needs))
    return {kind: tuple(rests) for kind, rests in by_kind.items()}


def resting_place(rule: RuleDeclaration, needs: Dependencies) -> str:
    """The kind of entities in whose records a rule rests: what it counts by, if that is all, else a place for rests."""
    return rule.rule.rests if _kinds(rule, needs) == {rule.rule.rests} else f"{RESTING}{rule.rule.rests}"


def asks_at_entities(rule: RuleDeclaration) -> bool:
    """Whether a rule is decided at its entities in part: those it takes its clauses about the event along to."""
    return rule.rule.then.lookback_ms is not None or rule.rule.rests != USER


def _kinds(rule: RuleDeclaration, needs: Dependencies) -> set[str]:
    return {kind for clause in rule.all_clauses() for kind in needs.kinds(clause)}


def _can_rest(rule: RuleDeclaration, rules: list[RuleDeclaration], needs: Dependencies) -> bool:
    report, kind, feature = needs.declared.diagnostics, rule.rule.rests, f"a cooldown per {rule.rule.rests}"
    clusters = needs.declared.clusters.keys()
    if rule.rule.then.lookback_ms is not None:
        report.error(
            rule.rests_at, f"with `also: earlier`, a rule rests per {USER}", f"cooldown: {{per: {USER}, for: …}}"
        )
    elif kind in clusters:
        report.error(rule.rests_at, f"a rule cannot rest per cluster; `{kind}` is one", f"let it rest per {USER}")
    elif _kinds(rule, needs) == {kind}:
        return is_split(rule, rules, needs, feature)
    elif counted := _kinds(rule, needs) & clusters:
        message = f"{feature} needs a rule that counts over no cluster; it counts over {', '.join(sorted(counted))}"
        report.error(rule.rests_at, message, f"let it rest per {USER}")
    elif _asks_late(rule, needs):
        report.error(rule.span, f"with {feature}, no model may be used that reads other entities' counters")
    else:
        return is_not_overruled(rule, rules, needs, feature)
    return False


def _asks_late(rule: RuleDeclaration, needs: Dependencies) -> bool:
    """Whether a score or threshold is read that is not known where the rule rests."""
    thresholds = {threshold_of(model) for model in needs.declared.models}
    late = [clause for group in EntityWriter.decided_at_entities(rule, needs) for clause in group]
    used = {score for clause in rule.all_clauses() for score in needs.scores(clause)}
    return bool(used & needs.away_models) or any(needs.scores(clause) & thresholds for clause in late)
