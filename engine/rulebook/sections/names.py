"""The names of an event's fields that something in a rulebook reads."""

from collections.abc import Iterable, Mapping

from engine.core.domain.kinds import parts_of
from engine.core.domain.rules import ModelSpec
from engine.core.values.identity import COMPUTED_FIELDS, IDENTITY_FIELDS, TEXT_FIELDS
from engine.rulebook.language.keys import KEY_PATHS
from engine.rulebook.language.nodes import names_in
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.rules import RuleDeclaration, expressions_in

_ALWAYS = (*IDENTITY_FIELDS, *TEXT_FIELDS, *COMPUTED_FIELDS, "ts")


def names_read(made: Declarations, rules: Iterable[RuleDeclaration], models: Mapping[str, ModelSpec]) -> frozenset[str]:
    """The names that a test may send: fields as they are declared, and the first parts of what is named besides."""
    names = {*_ALWAYS, *made.fields, *(path for paths in KEY_PATHS.values() for path in paths)}
    names |= {field.path for field in made.fields.values() if field.reference is None}
    for expr in expressions_in(made, rules):
        names |= {ref.target for ref in names_in(expr) if ref.kind == "event"}
    for counter in made.counters.values():
        names |= {counter.field or "", *parts_of(counter.by), *parts_of(counter.read_at)} - made.values.keys()
    for memory in made.memories.values():
        names |= {*parts_of(memory.by)} - made.values.keys()
    for cluster in made.clusters.values():
        names |= {part for kind in cluster.share for part in parts_of(kind)} - made.values.keys()
    for outcome in made.outcomes.values():
        names |= {*parts_of(outcome.by)} - made.values.keys()
        refs = names_in(outcome.value) if outcome.value is not None else ()
        names |= {ref.target for ref in refs if ref.kind == "event"}
    for spec in models.values():
        names |= {*spec.read} - made.values.keys()
    names |= {then.path for rule in rules for then in (rule.rule.then, *rule.rule.further)}
    plain = {name.removeprefix("event.") for name in names}
    return frozenset(plain | {name.partition(".")[0] for name in plain} - {""})
