"""What a rule means, as a number: it changes with its clauses and with all that they read, and with nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from engine.core.domain.follow_ups import absence_met
from engine.core.domain.kinds import parts_of
from engine.core.domain.rules import threshold_of
from engine.core.values.hashing import hash32
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr, children, lists_of, names_in
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.records import CounterDeclaration, MemoryDeclaration, RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration
from engine.rulebook.sections.statistics import Options

MEANS_NOTHING = frozenset(("name", "span", "where_text", "max_keys"))
"""What a counter, or a remembered value, has beside what it answers: another one of these is no other counter."""

_OPTIONS = frozenset((*Options._fields, "read_by"))
"""What counters say beside: one that says nothing of it means what it meant before there were these."""

_Name = tuple[str, str]
"""Kind and name: a field, a counter, a derived value, a cluster, a model, a list."""


def give_fingerprints(declared: Declarations, rules: list[RuleDeclaration]) -> None:
    """Let each rule have its fingerprint, and its budget be one of that fingerprint."""
    fingerprints = _Fingerprints(declared)
    for rule in rules:
        fingerprint = hash32("\x00".join(fingerprints.parts(rule)))
        budget = rule.rule.budget
        if budget is not None:
            budget = replace(budget, key=hash32(f"budget {fingerprint} {budget.per_ms}"))
        rule.rule = replace(rule.rule, fingerprint=fingerprint, budget=budget)


class _Fingerprints:
    def __init__(self, declared: Declarations) -> None:
        self._declared = declared
        self.definition = cache(self._define)  # by name: what it is, and what it reads itself

    def parts(self, rule: RuleDeclaration) -> list[str]:
        """All that makes up a rule's fingerprint."""
        parts = [rule.rule.name, *rule.rule.events]
        met = [absence_met(kind) for kind in rule.rule.events]
        waiting: list[_Name] = [("absence", absence) for absence in met if absence is not None]
        for group in (rule.when, rule.any, rule.unless):
            parts.append("|")
            for clause in group:
                parts.append(_canonical(clause.expr))
                waiting += _names(clause.expr)
        seen: set[_Name] = set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.definition(name)[1]
        return parts + [f"{kind} {name} {self.definition((kind, name))[0]}" for kind, name in sorted(seen)]

    def _define(self, name: _Name) -> tuple[str, list[_Name]]:
        declared, (kind, key) = self._declared, name
        if kind == "list" and key in declared.banks:
            bank = declared.banks[key]
            return _canonical((bank.radius, bank.data, hash32("".join(sorted(bank.fixed))))), []
        if kind == "list":
            return str(hash32("\x00".join(sorted(declared.lists.get(key, ()))))), []
        if kind == "counter" and key in declared.counters:
            return self._counter(declared.counters[key])
        if kind == "sequence" and key in declared.sequences:
            sequence = declared.sequences[key]
            told = (sequence.by, sequence.within_ms, [many for _, many in sequence.steps], sequence.without)
            return _canonical(told), [("counter", name) for name in sequence.counters()]
        if kind == "absence" and key in declared.absences:
            absence = declared.absences[key]
            return _canonical((absence.within_ms,)), [("counter", absence.after), ("counter", absence.none)]
        if kind == "value" and key in declared.values:
            value = declared.values[key].expr
            return _canonical(value), list(_names(value))
        if kind == "memory" and key in declared.memories:
            return self._memory(declared.memories[key])
        if kind == "derived" and key in declared.derived:
            body = declared.derived[key][1]
            return _canonical(body), list(_names(body))
        if kind == "score":
            model = key.removesuffix(threshold_of(""))
            said = {part: node.plain() for part, node in declared.models.get(model, {}).items()}
            words = [*said.get("numbers", ()), *said.get("texts", ()), *said.get("categories", ())]
            return str(said), [*self._known(map(str, words))]
        if kind == "cluster" and key in declared.clusters:
            return _canonical(declared.clusters[key]), list(self._known(declared.clusters[key].share))
        field = declared.fields.get(key) if kind == "field" else None
        by = [("field", field.reference.key)] if field is not None and field.reference is not None else []
        return _canonical(field), by

    def _counter(self, counter: CounterDeclaration) -> tuple[str, list[_Name]]:
        words = [*parts_of(counter.by), *parts_of(counter.read_at), counter.field or ""]
        read = [*self._known(words), *(_names(counter.where) if counter.where is not None else ())]
        if counter.excluded is not None:
            read.append(("list", counter.excluded))
        return _told(counter), read

    def _memory(self, memory: MemoryDeclaration) -> tuple[str, list[_Name]]:
        words = [*parts_of(memory.by), memory.subject.target if memory.subject is not None else ""]
        return _told(memory), [*self._known(words), *(_names(memory.where) if memory.where is not None else ())]

    def _known(self, words: Iterable[str]) -> Iterator[_Name]:
        declared = self._declared
        places: tuple[tuple[str, Any], ...] = (
            ("field", declared.fields), ("memory", declared.memories), ("counter", declared.counters),
            ("derived", declared.derived), ("cluster", declared.clusters), ("value", declared.values),
        )  # fmt: skip
        for word in words:
            yield from ((kind, word) for kind, known in places if word in known)


def _told(declaration: CounterDeclaration | MemoryDeclaration) -> str:
    parts = [(each, getattr(declaration, each.name)) for each in fields(declaration) if each.name not in MEANS_NOTHING]
    return _canonical(tuple(part for each, part in parts if each.name not in _OPTIONS or part != each.default))


def _names(expr: Expr | RatioDeclaration) -> Iterator[_Name]:
    """What an expression reads itself."""
    if isinstance(expr, RatioDeclaration):
        yield from ((ref.kind, ref.target) for ref in (expr.numerator, expr.denominator))
        return
    yield from ((ref.kind, ref.target) for ref in names_in(expr))
    yield from _lists(expr)


def _lists(expr: Expr) -> Iterator[_Name]:
    yield from (("list", name) for name in lists_of(expr))
    for child in children(expr):
        yield from _lists(child)


def _canonical(thing: Any) -> str:
    """A declaration or an expression, whatever place in the file it has."""
    if is_dataclass(thing):
        parts = [getattr(thing, field.name) for field in fields(thing)]
        return f"{type(thing).__name__}({', '.join(_canonical(part) for part in parts if not isinstance(part, Span))})"
    if isinstance(thing, list | tuple):
        return f"[{', '.join(map(_canonical, thing))}]"
    return str(sorted(map(str, thing))) if isinstance(thing, set | frozenset) else repr(thing)
