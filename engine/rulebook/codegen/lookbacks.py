"""Rules that look back at entities: what they need in order to be decided there as far as that goes."""

from engine.core.domain.counters import Counter
from engine.core.domain.kinds import is_reading
from engine.core.domain.programs import Watch
from engine.core.domain.rules import USER
from engine.rulebook.codegen.entities import EntityWriter
from engine.rulebook.codegen.functions import Vocabulary
from engine.rulebook.language.nodes import Compare, Ref
from engine.rulebook.sections.dependencies import Dependencies, concern_alike, entity_of, reached
from engine.rulebook.sections.rules import Clause, RuleDeclaration


def find_watches(rules: list[RuleDeclaration], words: Vocabulary, needs: Dependencies) -> dict[str, tuple[Watch, ...]]:
    """What is watched at which kind of entity, for the rules that look back. What is wrong with them is
    reported."""
    writer, by_kind = EntityWriter(words), dict[str, list[Watch]]()
    for index, rule in enumerate(rules):
        counter = _watched(rule, needs) if rule.rule.then.lookback_ms is not None else None
        if rule.rule.then.lookback_ms is None or not _can_look_back(rule, rules, needs, counter):
            continue
        assert counter is not None  # it could not look back
        by_kind.setdefault(counter.by, []).append(writer.watch(index, rule, counter.by, counter, needs))
    return {kind: tuple(watches) for kind, watches in by_kind.items()}


def _can_look_back(
    rule: RuleDeclaration, rules: list[RuleDeclaration], needs: Dependencies, counter: Counter | None
) -> bool:
    report, clauses = needs.declared.diagnostics, list(rule.all_clauses())
    kinds = {kind for clause in clauses for kind in needs.kinds(clause)}
    names = {ref.target for clause in clauses for ref in reached(needs.declared, clause.expr) if ref.kind == "counter"}
    if any(map(is_reading, kinds)):
        report.error(
            rule.span,
            "`also: earlier` cannot use counters with `read_by`: who came before was counted at somebody else",
            "leave `also: earlier` out, or `read_by`",
        )
    elif len(kinds) != 1 or kinds & needs.declared.clusters.keys():
        counted_over = f"it counts over {', '.join(sorted(kinds)) or 'users only'}"
        report.error(rule.span, f"`also: earlier` needs counters over exactly one other entity; {counted_over}")
    elif any(_recalls(clause, needs) for clause in clauses):
        report.error(
            rule.span,
            "`also: earlier` cannot use what entities remember, or sequences",
            "count with `count` or `distinct` instead",
        )
    elif any(needs.counters[name].before for name in names if needs.counters[name].by in kinds):
        report.error(rule.span, "`also: earlier` cannot use counters with `before`", "leave `before` out of them")
    elif counter is None:
        report.error(rule.span, "`also: earlier` needs a clause about a count under `when` or `any`")
    elif any(needs.counters[name].approx for name in names if needs.counters[name].by in kinds):
        report.error(rule.span, "`also: earlier` needs exact counters: who came before is not known from a sample")
    else:
        return is_split(rule, rules, needs, "`also: earlier`")
    return False


def _recalls(clause: Clause, needs: Dependencies) -> bool:
    """Whether a clause reads what other entities than the user remember."""
    refs = reached(needs.declared, clause.expr)
    return any(ref.kind in ("memory", "sequence") and entity_of(needs.declared, ref) != USER for ref in refs)


def is_split(rule: RuleDeclaration, rules: list[RuleDeclaration], needs: Dependencies, feature: str) -> bool:
    """Whether the user and the entity can each decide their part of a rule, and nothing later overrules them."""
    report, clauses = needs.declared.diagnostics, list(rule.all_clauses())
    mixed = any(needs.kinds(clause) and needs.needs_user(clause) for clause in clauses)
    if mixed or len({bool(needs.kinds(clause)) for clause in rule.any}) > 1:
        report.error(
            rule.span,
            f"with {feature}, a clause is about the entity's counters or about the event, not both",
            "split it into two clauses under `when`",
        )
    elif any(needs.scores(clause) & needs.away_models for clause in clauses):
        report.error(rule.span, f"with {feature}, no model may be used that reads other entities' counters")
    else:
        return is_not_overruled(rule, rules, needs, feature)
    return False


def is_not_overruled(rule: RuleDeclaration, rules: list[RuleDeclaration], needs: Dependencies, feature: str) -> bool:
    """Whether no allow rule is decided after a rule has begun to act, or to rest, at an entity."""
    waiting = _allowing(rule, rules, needs)
    if waiting is not None:
        needs.declared.diagnostics.error(
            rule.span,
            f"{feature} would act before allow rule `{waiting.rule.name}`, which counts over other entities",
            "let the allow rule count over users, or exempt in `unless`",
        )
    return waiting is None


def _allowing(rule: RuleDeclaration, rules: list[RuleDeclaration], needs: Dependencies) -> RuleDeclaration | None:
    """An allow rule that acts on the same events that is decided when they are back from their entities."""
    for index, other in enumerate(rules):
        allows = other.rule.then.kind == "allow" and other.rule.mode != "shadow"
        if allows and index in needs.away_rules and concern_alike(other.rule.events, rule.rule.events):
            return other
    return None


def _watched(rule: RuleDeclaration, needs: Dependencies) -> Counter | None:
    """The counter that a rule with a lookback is about: the first that must be high, else the first."""
    candidates = [
        (not _must_be_high(clause, ref), needs.counters[ref.target])
        for clause in (*rule.when, *rule.any)
        for ref in reached(needs.declared, clause.expr)
        if ref.kind == "counter"
        and needs.kinds(clause)
        and needs.counters[ref.target].kind in ("count", "distinct")
        and needs.counters[ref.target].having is None
    ]
    return min(candidates, key=lambda entry: entry[0])[1] if candidates else None


def _must_be_high(clause: Clause, ref: Ref) -> bool:
    expr = clause.expr
    return isinstance(expr, Compare) and expr.left is ref and expr.op in (">", ">=")
