"""The names of an event's fields that something in a rulebook reads."""

from collections.abc import Iterable, Mapping

from engine.core.domain.rules import ModelSpec
from engine.core.values.identity import COMPUTED_FIELDS, IDENTITY_FIELDS, TEXT_FIELDS
from engine.rulebook.language.keys import KEY_PATHS
from engine.rulebook.language.nodes import names_in
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.rules import RuleDeclaration, expressions_in

_ALWAYS = (*IDENTITY_FIELDS, *TEXT_FIELDS, *COMPUTED_FIELDS, "ts")


def names_read(made: Declarations, rules: Iterable[RuleDeclaration], models: Mapping[str, ModelSpec]) -> frozenset[str]:
    """The names that a test may send: fields as they are declared, and the first parts of what is named besides."""
    found = {*_ALWAYS, *made.fields, *(path for paths in KEY_PATHS.values() for path in paths)}
    found |= {field.path for field in made.fields.values()}
    for expr in expressions_in(made, rules):
        found |= {ref.target for ref in names_in(expr) if ref.kind == "event"}
    for counter in made.counters.values():
        found |= {counter.field or "", *counter.by.split("+")}
    for cluster in made.clusters.values():
        found |= {part for kind in cluster.share for part in kind.split("+")}
    for spec in models.values():
        found |= {*spec.numbers, *spec.texts, *spec.categories}
    found |= {rule.rule.then.path for rule in rules}
    plain = {name.removeprefix("event.") for name in found}
    return frozenset(plain | {name.partition(".")[0] for name in plain} - {""})
