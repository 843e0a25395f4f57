"""What an entity must have at least before a rule's clauses can hold there, at an event or at a later moment whose
windows have it: asked first, as most have far less."""

from collections.abc import Iterator, Mapping
from math import ceil, floor

from engine.core.domain.counters import Counter
from engine.rulebook.codegen.readings import store_of
from engine.rulebook.language.nodes import Compare, Expr, Ref
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import Dependencies
from engine.rulebook.sections.parameters import constants
from engine.rulebook.sections.records import RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration

_READERS = {"count": "count_entries", "distinct": "distinct_entries"}
"""Of what answers with no more than it has entries. A sum may be any number."""

_ROUNDED = 1 - 1e-12
"""0.07 * 100 is more than seven."""


def reachable(rule: RuleDeclaration, counters: Mapping[str, Counter], needs: Dependencies, within_ms: int) -> str:
    """Source text: whether an entity has as many entries as the clauses under `when` want at least, in all windows
    that have the moment `now`; they end `within_ms` after it at the latest."""
    least: dict[str, int] = {}
    for clause in rule.when:
        for name, entries in _least_entries(clause.expr, needs.declared):
            counter = counters.get(name)
            if counter is None or not counter.counts_entries:
                continue
            if counter.by in needs.kinds(clause):
                window = f"now - {counter.over_ms}, now + {within_ms}"
                read = f"{_READERS[counter.kind]}({store_of(counter)}, {counter.series_key}, {window})"
                least[read] = max(entries, least.get(read, 0))
    return " and ".join(f"{read} >= {entries}" for read, entries in least.items()) or "True"


def _least_entries(expr: Expr, declared: Declarations) -> Iterator[tuple[str, int]]:
    """By name, how much a counter must be at least for a clause to hold: of `c >= 12`, and of a ratio both parts."""
    match expr:
        case Compare(op=">" | ">=" as op, left=Ref() as ref, right=right):
            limits = [limit.value for limit in constants(declared, right) if isinstance(limit.value, int | float)]
            if not limits:
                return
            bound = min(limits)
            if ref.kind == "counter":
                yield ref.target, floor(bound) + 1 if op == ">" else ceil(bound)
            elif ref.kind == "derived":
                body = declared.derived[ref.target][1]
                if isinstance(body, RatioDeclaration):  # unknown below `at_least`, and no more than it is
                    yield body.denominator.target, ceil(body.at_least)
                    yield body.numerator.target, ceil(bound * body.at_least * _ROUNDED)
