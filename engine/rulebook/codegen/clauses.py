"""Writes the clauses of a rule as one condition."""

from functools import partial

from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.language.nodes import names_in
from engine.rulebook.sections.rules import Clause

_COST = {
    "field": 0, "event": 0, "memory": 1, "counter": 1, "sequence": 2, "derived": 2, "value": 2, "score": 1, "keys": 3,
}  # fmt: skip


def conditions(scope: Scope, when: list[Clause], any_of: list[Clause], unless: list[Clause]) -> str:
    """Source text that is true when these clauses hold."""
    parts = [partial(scope.true, clause.expr) for clause in cheapest_first(when)]
    if any_of:
        either = [partial(scope.true, clause.expr) for clause in cheapest_first(any_of)]
        parts.append(partial(scope.reads.joined, "or", either))
    parts += [partial(scope.false, clause.expr) for clause in cheapest_first(unless)]
    return scope.reads.joined("and", parts) if parts else "True"


def cheapest_first(clauses: list[Clause]) -> list[Clause]:
    """Clauses are pure, so their order is free: those on plain fields go first."""
    return sorted(clauses, key=lambda clause: max((_COST[ref.kind] for ref in names_in(clause.expr)), default=0))
