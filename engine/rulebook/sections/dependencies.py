"""What depends on what: which rules and models need an event's way to its entities, and which need only its user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.core.domain.counters import Counter
from engine.core.domain.kinds import parts_of
from engine.core.domain.rules import USER
from engine.rulebook.language.nodes import Expr, Ref, names_in
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.records import CounterDeclaration, RatioDeclaration
from engine.rulebook.sections.rules import Clause, RuleDeclaration


def reached(declared: Declarations, expr: Expr, seen: set[str] | None = None) -> Iterator[Ref]:
    """Every name in an expression, and every name behind its values and derived values, each of which is looked into
    once."""
    seen = set() if seen is None else seen
    for ref in names_in(expr):
        yield ref
        if ref.kind == "value" and ref.target not in seen:
            seen.add(ref.target)
            yield from reached(declared, declared.values[ref.target].expr, seen)
        if ref.kind == "derived" and ref.target not in seen:
            seen.add(ref.target)
            body = declared.derived[ref.target][1]
            if isinstance(body, RatioDeclaration):
                for part in (body.numerator, body.denominator):
                    yield from reached(declared, part, seen)
            else:
                yield from reached(declared, body, seen)


def behind_value(declared: Declarations, name: str | None) -> list[Ref]:
    """What a value is computed of; nothing where the name is no value's."""
    return list(reached(declared, declared.values[name].expr)) if name in declared.values else []


def values_written(declared: Declarations, counter: CounterDeclaration) -> list[str]:
    """The values that a counter reads, as they are written: another one makes it another counter."""
    names = {name for name in (counter.field, *parts_of(counter.by)) if name in declared.values}
    refs = [ref for name in names for ref in behind_value(declared, name)]
    refs += reached(declared, counter.where) if counter.where is not None else ()
    names |= {ref.target for ref in refs if ref.kind == "value"}
    return [f"{name}: {declared.values[name].text}" for name in sorted(names)]


def entity_of(declared: Declarations, ref: Ref) -> str | None:
    """The kind of entity at which a name has its value, if it has it at one: a counter, a sequence, or what is
    remembered."""
    if ref.kind == "counter" and ref.target in declared.counters:
        return declared.counters[ref.target].read_at
    if ref.kind == "sequence":
        return declared.sequences[ref.target].by
    return declared.memories[ref.target].by if ref.kind == "memory" else None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`away_rules` and `away_models` are decided and asked when the event is back from its entities."""

    declared: Declarations
    counters: Mapping[str, Counter]
    away_models: frozenset[str]
    away_rules: frozenset[int]

    def kinds(self, clause: Clause) -> set[str]:
        """The kinds of entities, other than the user, that a clause counts over."""
        return _kinds(self.declared, clause.expr)

    def needs_user(self, clause: Clause) -> bool:
        """Whether a clause reads anything but the counters of other entities."""
        return any(
            ref.kind in ("field", "event", "value", "score", "keys") or entity_of(self.declared, ref) == USER
            for ref in reached(self.declared, clause.expr)
        )

    def scores(self, clause: Clause) -> set[str]:
        """The models that a clause names."""
        return {ref.target for ref in reached(self.declared, clause.expr) if ref.kind == "score"}


def find_dependencies(
    declared: Declarations,
    counters: Mapping[str, Counter],
    inputs: Mapping[str, list[Ref]],
    rules: list[RuleDeclaration],
) -> Dependencies:
    """`inputs`: what each model reads. An allow rule that needs entities takes the rules of its event types
    along: it must be known before they act."""
    models = {name for name, refs in inputs.items() if any(_kinds(declared, ref) for ref in refs)}
    away = set()
    for index, rule in enumerate(rules):
        refs = [ref for clause in rule.all_clauses() for ref in reached(declared, clause.expr)]
        rests_away = rule.rule.rests != USER
        if rests_away or any(_is_away(declared, ref) or (ref.kind == "score" and ref.target in models) for ref in refs):
            away.add(index)
    waited_for: set[int] = set()
    while True:
        allows = {i for i in away if rules[i].rule.then.kind == "allow"} - waited_for
        if not allows:
            return Dependencies(declared, counters, frozenset(models), frozenset(away))
        waited_for |= allows
        types = {kind for i in allows for kind in rules[i].rule.events}
        away |= {i for i, rule in enumerate(rules) if concern_alike(tuple(types), rule.rule.events)}


def concern_alike(types: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether two lists of event types have one in common."""
    return "any" in types or "any" in others or bool(set(types) & set(others))


def _kinds(declared: Declarations, expr: Expr) -> set[str]:
    kinds = {entity_of(declared, ref) for ref in reached(declared, expr) if _is_away(declared, ref)}
    return {kind for kind in kinds if kind is not None}


def _is_away(declared: Declarations, ref: Ref) -> bool:
    return entity_of(declared, ref) not in (None, USER)
