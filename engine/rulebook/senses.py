"""What a rule means, as a number: it changes with its clauses and with all that they read, and with nothing else."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from engine.core.hashing import hash32
from engine.rulebook.declarations import Declarations
from engine.rulebook.dependencies import reached
from engine.rulebook.diagnostics import Span
from engine.rulebook.nodes import Expr, Member, children
from engine.rulebook.rules import RuleDeclaration


def give_senses(declared: Declarations, rules: list[RuleDeclaration]) -> None:
    """Let each rule have its sense, and its budget be one of that sense."""

    @cache
    def entries(name: str) -> int:
        return hash32("\x00".join(sorted(declared.lists[name])))

    @cache
    def meaning(kind: str, name: str) -> str:
        known: dict[str, dict[str, Any]] = {
            "field": {**declared.fields}, "counter": {**declared.counters}, "derived": {**declared.derived}
        }  # fmt: skip
        return _told(known.get(kind, {}).get(name))

    for rule in rules:
        parts = [rule.rule.name, *rule.rule.events]
        for group in (rule.when, rule.any, rule.unless):
            parts.append("|")
            for clause in group:
                names = {(ref.kind, ref.target) for ref in reached(declared, clause.expr)}
                parts += [clause.text, *(f"{kind} {name} {meaning(kind, name)}" for kind, name in sorted(names))]
                parts += [f"{name} {entries(name)}" for name in sorted(set(_lists(clause.expr)))]
        sense = hash32("\x00".join(parts))
        budget = rule.rule.budget
        if budget is not None:
            budget = replace(budget, key=hash32(f"budget {sense}"))
        rule.rule = replace(rule.rule, sense=sense, budget=budget)


def _lists(expr: Expr) -> Iterator[str]:
    if isinstance(expr, Member) and expr.list_name is not None:
        yield expr.list_name
    for child in children(expr):
        yield from _lists(child)


def _told(thing: Any) -> str:
    """A declaration or an expression, whatever place in the file it has."""
    if is_dataclass(thing):
        parts = [getattr(thing, one.name) for one in fields(thing)]
        return f"{type(thing).__name__}({', '.join(_told(part) for part in parts if not isinstance(part, Span))})"
    if isinstance(thing, list | tuple):
        return f"[{', '.join(map(_told, thing))}]"
    return str(sorted(map(str, thing))) if isinstance(thing, set | frozenset) else str(thing)
