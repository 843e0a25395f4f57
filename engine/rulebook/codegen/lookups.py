"""Which reference data events need: what rules, counters and models read of it, joined to one lookup for each source
and key."""

from collections.abc import Iterable, Iterator

from engine.core.domain.counters import Counter
from engine.core.domain.kinds import parts_of
from engine.core.domain.reference import Column, Lookup, LookupKind
from engine.core.domain.rules import Memory
from engine.rulebook.language.nodes import Ref
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import behind_value, reached
from engine.rulebook.sections.records import ReferenceDeclaration
from engine.rulebook.sections.reference import lookups_in
from engine.rulebook.sections.rules import RuleDeclaration


def all_lookups(declared: Declarations) -> tuple[Lookup, ...]:
    """All that a rulebook declares, each after what it goes by, with all of its columns."""
    columns: dict[tuple[LookupKind, str, str], list[Column]] = {}
    for name in dict.fromkeys(lookups_in(declared.fields, declared.fields)):
        columns.setdefault(_place(declared, name), []).append(
            Column(declared.fields[name].path, _reference(declared, name).column)
        )
    return tuple([Lookup(*place, tuple(found)) for place, found in columns.items()])


def find_lookups(declared: Declarations, names: Iterable[str]) -> tuple[Lookup, ...]:
    """Those that these fields need, and values that are computed of fields."""
    read = {*names}
    read |= {ref.target for name in read for ref in behind_value(declared, name) if ref.kind == "field"}
    places = {_place(declared, name) for name in lookups_in(declared.fields, sorted(read))}
    return tuple([each for each in all_lookups(declared) if (each.kind, each.source, each.key) in places])


def _place(declared: Declarations, name: str) -> tuple[LookupKind, str, str]:
    reference = _reference(declared, name)
    return reference.kind, reference.source, declared.path_of(reference.key)


def _reference(declared: Declarations, name: str) -> ReferenceDeclaration:
    reference = declared.fields[name].reference
    assert reference is not None  # else it is not looked up
    return reference


def names_of_refs(refs: Iterable[Ref]) -> Iterator[str]:
    """The fields among what expressions read."""
    return (ref.target for ref in refs if ref.kind == "field")


def names_of_rules(declared: Declarations, rules: Iterable[RuleDeclaration]) -> Iterator[str]:
    """The fields that rules read, aim at and rest at."""
    for rule in rules:
        for expr in (*(clause.expr for clause in rule.all_clauses()), *rule.told):
            yield from names_of_refs(reached(declared, expr))
        yield from (then.target for then in (rule.rule.then, *rule.rule.further))
        yield from parts_of(rule.rule.rests)


def names_of_counters(declared: Declarations, counters: Iterable[Counter | Memory]) -> Iterator[str]:
    """The fields that counters count, count by, and ask for; and memories likewise."""
    for counter in counters:
        yield from (counter.field or "", *parts_of(counter.by))
        if isinstance(counter, Counter):
            yield from parts_of(counter.read_at)
        asked = declared.counters if isinstance(counter, Counter) else declared.memories
        where = asked[counter.name].where
        if where is not None:
            yield from names_of_refs(reached(declared, where))
        cluster = declared.clusters.get(counter.by)
        if cluster is not None:
            yield from (part for kind in cluster.share for part in parts_of(kind))
