"""A decision looked at again: its clauses, evaluated once more from the values that its record has.

The rulebook that decided is compiled anew, and nothing but the record is read: whoever doubts a decision sees that
these values and these rules lead to it, without the counters of that moment, which have long moved on.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from engine.core.domain.units import duration_ms, moment_ms, size_bytes
from engine.core.values.bounds import LEAST, AtLeast
from engine.core.values.lists import Conceal
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.explanations import clause_text
from engine.rulebook.codegen.functions import compiled, function
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.nodes import Expr, children, lists_of, names_in
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.rules import RuleDeclaration, read_rules

_LONGEST_TEXT = 100
_BOUND = "at least "
_ROUNDED = 5e-4
"""Durations and sizes are recorded with four digits."""


class ClauseVerdict(NamedTuple):
    """One clause of a decision. `recorded` and `now`: what it was then, and what it is again; None: unknown. Not
    `certain`: the record has too little of what was read to tell."""

    rule: str
    clause: str
    recorded: bool | None
    now: bool | None
    certain: bool = True


class Reevaluation:
    """Evaluates records by one rulebook. `sources`: of the one that decided; `conceal`: what gave people pseudonyms in
    the records, if they have some. Raises RulebookError."""

    def __init__(self, sources: Mapping[str, str], conceal: Conceal | None = None) -> None:
        load_rulebook(sources)
        self._declared = read_declarations(sources, Diagnostics(sources), conceal)
        self._rules = {rule.rule.name: rule for rule in read_rules(self._declared)}

    def verdicts(self, decision: Mapping[str, Any]) -> Iterator[ClauseVerdict]:
        """The clauses of a decision's hits. Left out: what asks about a live list, which may have been another one
        then, and what the engine tells beside the clauses."""
        for hit in decision["hits"]:
            recorded = {clause["text"]: clause for clause in hit["clauses"]}
            for text, expr, negated in _clauses(self._rules.get(hit["rule"])):
                if text in recorded and not self._asks_live(expr):
                    results, whole = self._results(expr, recorded[text]["value"])
                    now = results[0] if results[0] is None or not negated else not results[0]
                    yield ClauseVerdict(
                        rule=hit["rule"],
                        clause=text,
                        recorded=recorded[text]["result"],
                        now=now,
                        certain=whole and len(set(results)) == 1,
                    )

    def _asks_live(self, expr: Expr) -> bool:
        inside = any(self._asks_live(child) for child in children(expr))
        return inside or any(name in self._declared.live for name in lists_of(expr))

    def _results(self, expr: Expr, value: Any) -> tuple[list[bool | None], bool]:
        """What a clause gives for the values that the record may stand for, and whether it has all of them whole."""
        values, refs = _values(expr, value), names_in(expr)
        whole = all(ref.type not in ("list", "text or list") and not _is_cut(values.get(ref.written)) for ref in refs)
        units = [ref.written for ref in refs if ref.type in ("duration", "size")]
        rounded = [name for name in dict.fromkeys(units) if isinstance(values.get(name), int | float | AtLeast)]
        tried = [values]
        for ways in product((1 - _ROUNDED, 1 + _ROUNDED), repeat=len(rounded)) if rounded else ():
            tried.append(values | {name: values[name] * by for name, by in zip(rounded, ways, strict=True)})
        return [self._evaluate(expr, candidate) for candidate in tried] if whole else [None], whole

    def _evaluate(self, expr: Expr, values: dict[str, Any]) -> bool | None:
        namespace, hidden = dict(RUNTIME), self._declared.conceal is not None
        scope = Scope(
            lambda _, ref: f"v.get({ref.written!r})",
            self._declared.entries,
            self._declared.phrases_of,
            hidden,
            namespace,
        )
        compiled([function("again(v)", scope, [f" return {scope.value(expr)}"])], "a clause", namespace)
        result: bool | None = namespace["again"](values)
        return result


def _is_cut(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _LONGEST_TEXT


def _clauses(rule: RuleDeclaration | None) -> Iterator[tuple[str, Expr, bool]]:
    if rule is not None:
        for clause in (*rule.when, *rule.any):
            yield clause.text, clause.expr, False
        for clause in rule.unless:
            yield clause_text(clause, negated=True), clause.expr, True


def _values(expr: Expr, value: Any) -> dict[str, Any]:
    """By name, what was read; durations and sizes as numbers again."""
    refs = {ref.written: ref for ref in names_in(expr)}
    read = {next(iter(refs)): value} if len(refs) == 1 else dict(value) if isinstance(value, dict) else {}
    read = {
        name: AtLeast(entry[LEAST]) if isinstance(entry, dict) and LEAST in entry else entry
        for name, entry in read.items()
    }
    units = {"duration": duration_ms, "size": size_bytes, "time": moment_ms}
    return {
        name: _amount(entry, units[refs[name].type]) if refs[name].type in units and isinstance(entry, str) else entry
        for name, entry in read.items()
        if name in refs
    }


def _amount(entry: str, read: Callable[[str], int | None]) -> int | AtLeast | None:
    """A duration or a size as a number, or as the bound of one."""
    amount = read(entry.removeprefix(_BOUND))
    return AtLeast(amount) if amount is not None and entry.startswith(_BOUND) else amount
