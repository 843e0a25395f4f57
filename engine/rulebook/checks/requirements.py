"""What events must have for a rule to hold: types, fields, values. Where a recording lacks some, the rule never fires.

Three-valued, as the rules are: a clause can be true only where all that it reads is there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.core.domain.counters import STATISTICS
from engine.core.domain.follow_ups import absence_met, is_follow_up
from engine.core.domain.kinds import parts_of
from engine.core.domain.rules import ANY_EVENT
from engine.core.values.identity import COMPUTED_FIELDS, IDENTITY_FIELDS
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.nodes import (
    Call,
    Choice,
    Compare,
    Constant,
    Contains,
    Expr,
    Logical,
    Member,
    Not,
    Points,
    Ref,
    names_in,
)  # fmt: skip
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.records import CounterDeclaration, MemoryDeclaration, RatioDeclaration
from engine.rulebook.sections.rules import RuleDeclaration, read_rules

_ALWAYS_THERE = frozenset((*IDENTITY_FIELDS, *COMPUTED_FIELDS, "ts"))
_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_MOST_VALUES = 50
"""A longer list that is written out in a clause is not looked into."""

Value = str | float | int | bool


class Requirement(NamedTuple):
    """Something that events of these types must have: that there are some, a field, or a value in it. `path`: where the
    field is found; `name`: how the rulebook calls it."""

    kind: Literal["type", "field", "value"]
    types: tuple[str, ...]
    path: str = ""
    name: str = ""
    value: Value = ""


IsThere = Callable[[Requirement], bool]


class Requirements:
    """Those of all rules of a rulebook that has been checked."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._declared = read_declarations(sources, Diagnostics(sources))
        self._rules = {rule.rule.name: rule for rule in read_rules(self._declared)}

    def all(self) -> set[Requirement]:
        """All that any rule may ask for."""
        asked: set[Requirement] = set()

        def note(requirement: Requirement) -> bool:
            asked.add(requirement)
            return requirement.kind != "value"  # so that all others are asked for as well

        for rule in self._rules:
            self.lacking(rule, note)
        return asked

    def lacking(self, rule: str, is_there: IsThere) -> list[Requirement]:
        """What keeps a rule from ever holding; empty where nothing does, as far as can be told."""
        return list(dict.fromkeys(_lacking(self._declared, self._rules[rule], is_there)))


def _lacking(declared: Declarations, rule: RuleDeclaration, is_there: IsThere) -> list[Requirement]:
    types = _sent(declared, rule.rule.events)
    missing = _missing_types(types, is_there)
    if missing:
        return missing
    reading = _Reading(declared, types, is_there)
    lacking = [requirement for clause in rule.when for requirement in reading.lacking(clause.expr, True)]
    lacking += [requirement for clause in rule.unless for requirement in reading.lacking(clause.expr, False)]
    return lacking + (_either([reading.lacking(clause.expr, True) for clause in rule.any]) if rule.any else [])


def _missing_types(types: Iterable[str], is_there: IsThere) -> list[Requirement]:
    """All of them, where there is none."""
    return _either([_unless_there(Requirement("type", (kind,)), is_there) for kind in types])


def _sent(declared: Declarations, types: Iterable[str]) -> tuple[str, ...]:
    """The types of the events that these are, or are about: follow-ups are in no recording, and come about by
    themselves."""
    sent: dict[str, None] = {}
    for kind in types:
        absence = declared.absences.get(absence_met(kind) or "")
        if absence is not None:
            sent |= dict.fromkeys(declared.counters[absence.after].of)
        else:
            sent[ANY_EVENT if is_follow_up(kind) else kind] = None
    return tuple(sent)


def _unless_there(requirement: Requirement, is_there: IsThere) -> list[Requirement]:
    return [] if is_there(requirement) else [requirement]


def _either(parts: list[list[Requirement]]) -> list[Requirement]:
    """What is lacking where one of several would do."""
    return [] if not all(parts) else [requirement for part in parts for requirement in part]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Expressions as they are read of events of some types."""

    declared: Declarations
    types: tuple[str, ...]
    is_there: IsThere

    def lacking(self, expr: Expr, truth: bool) -> list[Requirement]:
        """What keeps a condition from ever being definitely true, or definitely false."""
        match expr:
            case Not(operand=operand):
                return self.lacking(operand, not truth)
            case Logical(op=op, operands=operands):
                parts = [self.lacking(part, truth) for part in operands]
                return (
                    [requirement for part in parts for requirement in part]
                    if (op == "and") == truth
                    else _either(parts)
                )
            case Call(function="known", arguments=[Ref() as ref]):
                return self._absent(ref) if truth else []
        absent = [requirement for ref in names_in(expr) for requirement in self._absent(ref)]
        return absent or self._unmet(expr, truth)

    def _absent(self, ref: Ref) -> list[Requirement]:
        """What keeps a name from ever having a value."""
        if ref.kind in ("field", "event"):
            field = self.declared.fields.get(ref.target) if ref.kind == "field" else None
            if field is not None and field.reference is not None:  # not there where its key is not; the rest is unknown
                return self._absent_field(self.declared.path_of(field.reference.key), field.reference.key)
            return self._absent_field(self.declared.path_of(ref.target), ref.written)
        if ref.kind == "value":
            return self._absent_parts(self.declared.values[ref.target].expr)
        if ref.kind == "memory":
            return self._never_remembered(self.declared.memories[ref.target])
        counter = self.declared.counters[ref.target] if ref.kind == "counter" else None
        if counter is not None:  # of nothing there is no statistic
            is_needed = counter.kind in STATISTICS
            uncounted = _uncounted(self.declared, counter, self.is_there) if is_needed else []
            return [*self._unnamed(counter.read_by), *uncounted]
        body = self.declared.derived[ref.target][1] if ref.kind == "derived" else None
        if body is None or isinstance(body, RatioDeclaration | Points | Choice):
            return []
        return self._absent_parts(body)

    def _unnamed(self, read_by: str | None) -> list[Requirement]:
        """What keeps events from naming the entity whose counter they read, where that is not the one they count at."""
        named = parts_of(read_by) if read_by is not None else []
        fields = [name for name in named if name in self.declared.fields or name.startswith("event.")]
        plain = [name for name in fields if not _is_looked_up(self.declared, name)]
        return [one for name in plain for one in self._absent_field(_path(self.declared, name), name)]

    def _absent_parts(self, body: Expr) -> list[Requirement]:
        if body.type != "bool":
            return [requirement for inner in names_in(body) for requirement in self._absent(inner)]
        true, false = (self.lacking(body, truth) for truth in (True, False))
        return true if true and false else []

    def _never_remembered(self, memory: MemoryDeclaration) -> list[Requirement]:
        """What keeps a value from ever being remembered. That something is new is known without events."""
        if memory.kind == "new":
            return []
        types = _sent(self.declared, memory.of)
        missing = _missing_types(types, self.is_there)
        if missing or memory.subject is None:
            return missing
        return _Reading(self.declared, types, self.is_there)._absent(memory.subject)

    def _absent_field(self, path: str, name: str) -> list[Requirement]:
        return [] if path in _ALWAYS_THERE else self._ask("field", path, name)

    def _unmet(self, expr: Expr, truth: bool) -> list[Requirement]:
        """What a test lacks that can be made."""
        match expr:
            case Ref(kind="value"):
                return self.lacking(self.declared.values[expr.target].expr, truth)
            case Ref(kind="derived"):
                body = self.declared.derived[expr.target][1]
                return self.lacking(body, truth) if isinstance(body, Expr) else []
            case Ref(kind="sequence"):
                return self._incomplete(expr.target) if truth else []
            case Ref():
                return self._value(expr, truth)
            case Compare(op="==" | "!=" as op, left=Ref() as ref, right=Constant(value=value)):
                return self._value(ref, value) if (op == "==") == truth else []
            case Compare(op=op, left=Ref() as ref, right=Constant(value=limit)) if not isinstance(limit, str):
                card = self.declared.derived[ref.target][1] if ref.kind == "derived" else None
                if isinstance(card, Points):
                    return self._unearned(card, op if truth else _OPPOSITES[op], limit)
                return self._uncounted(ref) if _is_above_zero(op if truth else _OPPOSITES[op], limit) else []
            case Compare(op=op, left=Constant() as limit, right=Ref() as ref):
                return self._unmet(
                    Compare(span=expr.span, type=expr.type, op=_MIRRORED.get(op, op), left=ref, right=limit), truth
                )
            case Member(item=Ref() as ref, list_name=None, values=values) if truth and len(values) <= _MOST_VALUES:
                return _either([self._value(ref, value) for value in sorted(values, key=str)])
            case Contains(item=Constant(value=value), container=Ref(type="list") as ref) if truth:
                return self._value(ref, value)
        return []

    def _unearned(self, card: Points, op: str, limit: float) -> list[Requirement]:
        """What keeps a scorecard below a limit: what the terms lack that would add points, where the rest is too
        little."""
        adding = [(term.points, self.lacking(term.condition, True)) for term in card.terms if term.points > 0]
        most = sum(points for points, missing in adding if not missing)
        if (op == ">" and most <= limit) or (op in (">=", "==") and most < limit):
            return [requirement for _, missing in adding for requirement in missing]
        return []

    def _value(self, ref: Ref, value: Value) -> list[Requirement]:
        """A value that a field must have; only fields that events have as they are written are looked into."""
        field = self.declared.fields.get(ref.target)
        is_plain = field is None or (field.factor == 1 and not field.is_spelt and field.reference is None)
        path = self.declared.path_of(ref.target)
        if ref.kind not in ("field", "event") or not is_plain or path in ("ip", *COMPUTED_FIELDS):
            return []
        return self._ask("value", path, ref.written, value)

    def _incomplete(self, name: str) -> list[Requirement]:
        """What keeps a sequence from ever being completed."""
        counters = [self.declared.counters[counter] for counter, _ in self.declared.sequences[name].steps]
        return [each for counter in counters for each in _uncounted(self.declared, counter, self.is_there)]

    def _uncounted(self, ref: Ref) -> list[Requirement]:
        """What keeps a counter, or a ratio of two, from ever being more than 0."""
        if ref.kind == "counter":
            return _uncounted(self.declared, self.declared.counters[ref.target], self.is_there)
        body = self.declared.derived[ref.target][1] if ref.kind == "derived" else None
        if isinstance(body, RatioDeclaration):
            return [*self._uncounted(body.numerator), *self._uncounted(body.denominator)]
        return []

    def _ask(self, kind: Literal["field", "value"], path: str, name: str, value: Value = "") -> list[Requirement]:
        return _unless_there(Requirement(kind=kind, types=self.types, path=path, name=name, value=value), self.is_there)


def _uncounted(declared: Declarations, counter: CounterDeclaration, is_there: IsThere) -> list[Requirement]:
    types = _sent(declared, counter.of)
    missing = _missing_types(types, is_there)
    if missing:
        return missing
    reading = _Reading(declared, types, is_there)
    named = [name for name in (counter.field, *parts_of(counter.by)) if name and name not in KEY_SOURCES]
    fields = [name for name in named if name in declared.fields or name.startswith("event.")]
    fields = [name for name in fields if not _is_looked_up(declared, name)]
    computed = [reading._absent_parts(declared.values[name].expr) for name in named if name in declared.values]
    lacking = [requirement for name in fields for requirement in reading._absent_field(_path(declared, name), name)]
    lacking += [requirement for absent in computed for requirement in absent]
    return lacking + (reading.lacking(counter.where, True) if counter.where is not None else [])


def _is_looked_up(declared: Declarations, name: str) -> bool:
    return name in declared.fields and declared.fields[name].reference is not None


def _path(declared: Declarations, name: str) -> str:
    return declared.path_of(name).removeprefix("event.")


def _is_above_zero(op: str, limit: float) -> bool:
    """Whether a comparison with a limit fails at 0, and holds at more."""
    return (op == ">" and limit >= 0) or (op == ">=" and limit > 0)
