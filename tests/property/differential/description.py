"""What a rulebook says, as plain data: the generator makes it, the reference evaluates it, the engine reads its YAML.

Expressions are tuples: `("name", "posts")`, `("event", "a.b", "number")`, `("const", 3)`, `("duration", "90s")`,
`("not", e)`, `("and", e, e)`, `("or", e, e)`, `("compare", ">", e, e)`, `("chain", e, "<", e, "<=", e)`,
`("arithmetic", "+", e, e)`, `("call", "min", e, e)`, `("known", e)`, `("in list", e, "staff")`,
`("in", e, ("a", "b"))`, `("contains", item, container)`, `("matches", e, "pattern")`, `("param", "most")`,
`("search", "count", e, "pattern")`, `("test", "starts_with", e, e)`, `("contains any", e, "staff")`,
`("contains word", e, "staff")`, `("rule", "some_rule")`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Expr = tuple[Any, ...]

STATISTICS = ("max", "min", "mean", "stdev", "median", "quantile")

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
UNITS_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2}

BUILT_IN = {
    "event_id": "text", "type": "text", "user_id": "text", "ip": "text", "device_id": "text", "target_id": "text",
    "text": "text", "ts": "time", "clock_skew": "duration", "invalid_fields": "list", "conflicting_ids": "bool",
}  # fmt: skip
"""Fields that need no declaration."""


class Field(NamedTuple):
    """A declared field. `path`: where the event has it; `unit`: of durations and sizes."""

    type: str
    path: str
    unit: str | None = None


class Counter(NamedTuple):
    """A counter. `over`: as it is written, such as `90s`; a statistic without a field is one of gaps."""

    kind: str
    field: str | None
    of: tuple[str, ...]
    by: tuple[str, ...]
    over: str
    where: Expr | None = None
    cap: int | None = None
    approx: bool = False
    excluded: str | None = None
    at: float = 0.5
    at_least: int = 0
    before: bool = False
    having: tuple[int, int | None] | None = None
    read_by: tuple[str, ...] | None = None


class Memory(NamedTuple):
    """What an entity remembers. `keep`, `warm`: as they are written, such as `90s`; the latter goes with new and
    `age of first`."""

    kind: str
    field: str | None
    of: tuple[str, ...]
    by: tuple[str, ...]
    keep: str
    where: Expr | None = None
    warm: str | None = None
    excluded: str | None = None


class Ratio(NamedTuple):
    """A derived share of two names."""

    numerator: Expr
    denominator: Expr
    at_least: float
    wilson: bool


class Param(NamedTuple):
    """A parameter: one number for all events, or one for each value of a text field."""

    default: float
    by: str | None = None
    values: tuple[tuple[str, float], ...] = ()


class Deed(NamedTuple):
    """An action of a rule. `target`: the user, the event, or the field that names it; `lasts`: for how long."""

    kind: str
    scope: str = "x"
    target: str = "user"
    lasts: str | None = None


class Mark(NamedTuple):
    """What rules note of an entity for a while, as `lasts` says."""

    by: tuple[str, ...]
    lasts: str


class Ladder(NamedTuple):
    """What is done to users by the number of their strikes. `decay`: as it is written."""

    decay: str
    steps: tuple[tuple[int, Deed], ...]


class Rest(NamedTuple):
    """Where a rule rests, and for how long."""

    per: tuple[str, ...]
    lasts: str


class Rule(NamedTuple):
    """A rule with its clauses. `macro`: what stands under `when` is written as a macro of that name; `then`: what it
    does, one action after the other; `ladder`: in place of that; `lookback`: how far it reaches back to those who came
    before."""

    events: tuple[str, ...]
    when: tuple[Expr, ...] = ()
    any: tuple[Expr, ...] = ()
    unless: tuple[Expr, ...] = ()
    macro: str | None = None
    is_shadow: bool = False
    then: tuple[Deed, ...] = (Deed("flag"),)
    rest: Rest | None = None
    ladder: str | None = None
    lookback: str | None = None

    def clauses(self) -> tuple[Expr, ...]:
        """All clauses, in the order in which a decision explains them."""
        return (*self.when, *self.any, *self.unless)


class Row(NamedTuple):
    """What a table has under a key from a time on; None: no longer anything."""

    key: str
    document: dict[str, Any] | None
    ts: int = 0


class Table(NamedTuple):
    """Reference data. `key`: the field that finds the row; `columns`: by name, with the path in a row's document."""

    key: str
    columns: dict[str, Field]
    rows: tuple[Row, ...]
    is_file: bool

    def row(self, key: str, now: int) -> dict[str, Any]:
        """What is known of a key at a time."""
        known = [one for one in self.rows if one.key == key and one.ts <= now]
        latest = max(known, key=lambda one: one.ts, default=None)
        return (latest.document or {}) if latest is not None else {}


class Step(NamedTuple):
    """So many events of these types."""

    of: tuple[str, ...]
    times: int = 1
    where: Expr | None = None


class Sequence(NamedTuple):
    """What comes one after the other, without one of some types in between."""

    steps: tuple[Step, ...]
    within: str
    by: tuple[str, ...]
    without: tuple[str, ...] = ()


class Absence(NamedTuple):
    """What does not come of a user after an event."""

    after: tuple[str, ...]
    none: tuple[str, ...]
    within: str


class Sent(NamedTuple):
    """An event as it is sent, and the time at which it arrives."""

    document: dict[str, Any]
    arrived_ms: int

    def written(self) -> str:
        """Its message: two events are the same when these are."""
        return json.dumps(self.document)


class Labelled(NamedTuple):
    """A moderator's verdict on the event that came at a place of the stream, or that it is taken back."""

    place: int
    verdict: str
    ts: int
    arrived_ms: int


class Revoked(NamedTuple):
    """One of the actions is taken back that a rule has brought about at a place of the stream: the one of this kind."""

    place: int
    rule: str
    kind: str
    arrived_ms: int


Arriving = Sent | Labelled | Revoked
"""What a stream has."""

FOLLOW_UPS = ("label.", "hit.", "shadow.", "action.", "absent.")


def is_follow_up(kind: str) -> bool:
    """Whether events of a type are made by the engine."""
    return kind.startswith(FOLLOW_UPS)


def is_among(kind: str, of: tuple[str, ...]) -> bool:
    """Whether these types have one among them. Follow-ups have to be named."""
    return kind in of or ("any" in of and not is_follow_up(kind))


@dataclass(slots=True)
class Book:
    """A rulebook: everything by its name, in the order of declaration."""

    fields: dict[str, Field] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    computed: dict[str, Expr] = field(default_factory=dict)
    values: dict[str, Memory] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    sequences: dict[str, Sequence | Absence] = field(default_factory=dict)
    derived: dict[str, Expr | Ratio] = field(default_factory=dict)
    scores: dict[str, tuple[tuple[Expr, float], ...]] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    ladders: dict[str, Ladder] = field(default_factory=dict)

    def marked(self, name: str) -> Counter:
        """What a mark counts: the hits of the rules that set it."""
        of = tuple(f"hit.{rule}" for rule, one in self.rules.items() for deed in one.then
                   if (deed.kind, deed.scope) == ("mark", name))  # fmt: skip
        return Counter("count", None, of, self.marks[name].by, self.marks[name].lasts)

    def names_read(self, clauses: Iterable[Expr]) -> set[str]:
        """The names in clauses, and those in what these stand for."""
        names, found = [name for one in clauses for name in names_within(one)], set[str]()
        for name in names:
            if name in found:
                continue
            found.add(name)
            body: list[Any] = [self.computed.get(name), *(term for term, _ in self.scores.get(name, ()))]
            for one in (self.counters.get(name), self.values.get(name)):
                body.append(one.where if one is not None else None)
            derived = self.derived.get(name)
            body += [derived.numerator, derived.denominator] if isinstance(derived, Ratio) else [derived]
            for expr in body:
                if expr is not None:
                    names += names_within(expr)
                    names += rules_within(expr)
            if name in self.rules:
                names += [each for clause in self.rules[name].clauses() for each in names_within(clause)]
        return found

    @property
    def columns(self) -> list[str]:
        """The columns of all tables, as clauses name them."""
        return [f"{table}.{name}" for table, one in self.tables.items() for name in one.columns]

    def declared(self, name: str) -> Field | None:
        """A field, or a column of a table: events have it under its whole name."""
        table, _, column = name.partition(".")
        if table in self.tables:
            return self.tables[table].columns[column]._replace(path=name)
        return self.fields.get(name)

    def sources(self) -> dict[str, str]:
        """All files of the rulebook."""
        files = {
            f"tables/{name}.jsonl": "".join(
                json.dumps({one.key: row.key, **(row.document or {})}) + "\n" for row in one.rows
            )
            for name, one in self.tables.items()
            if one.is_file
        }
        return {"rules.yaml": self.yaml(), **files}

    def yaml(self) -> str:
        """The rulebook as people write it."""
        lines = ["version: 1"]
        sections: dict[str, dict[str, str]] = {
            "fields": {name: _field(one) for name, one in self.fields.items()},
            "tables": {name: _table(name, one) for name, one in self.tables.items()},
            "lists": {name: f"{{values: [{', '.join(one)}]}}" for name, one in self.lists.items()},
            "values": {
                **{name: quoted(one) for name, one in self.computed.items()},
                **{name: _memory(one) for name, one in self.values.items()},
            },
            "counters": {name: _counter(one) for name, one in self.counters.items()},
            "sequences": {name: _sequence(one) for name, one in self.sequences.items()},
            "marks": {name: f"{{by: [{', '.join(one.by)}], for: {one.lasts}}}" for name, one in self.marks.items()},
            "derived": {name: _derived(one) for name, one in self.derived.items()},
            "scores": {name: _score(one) for name, one in self.scores.items()},
            "ladders": {name: _ladder(one) for name, one in self.ladders.items()},
            "params": {name: _param(one) for name, one in self.params.items()},
            "macros": {one.macro: f"[{', '.join(map(quoted, one.when))}]" for one in self.rules.values() if one.macro},
            "rules": {name: _rule(one) for name, one in self.rules.items()},
        }
        for section, entries in sections.items():
            if entries:
                lines += [f"{section}:", *(f"  {name}: {text}" for name, text in entries.items())]
        return "\n".join(lines) + "\n"


def milliseconds(written: str) -> int:
    """A duration such as `90s`."""
    digits = written.rstrip("".join(UNITS_MS))
    return int(digits) * UNITS_MS[written[len(digits) :]]


def is_name_of(expr: Expr, names: Any) -> bool:
    """Whether an expression is nothing but one of these names."""
    return expr[0] == "name" and expr[1] in names


def parts(expr: Expr) -> list[Expr]:
    """The expressions directly inside of one."""
    return [part for part in expr[1:] if isinstance(part, tuple) and part and part[0] in _KINDS]


def is_condition(expr: Expr) -> bool:
    """Whether an expression is a condition by its form; a name is none."""
    return expr[0] not in ("name", "event", "const", "duration", "arithmetic", "call", "search", "param")


_KINDS = frozenset(
    ("name", "event", "const", "duration", "not", "and", "or", "compare", "chain", "arithmetic", "call", "known",
     "in list", "in", "contains", "matches", "search", "test", "contains any", "contains word", "param", "rule")
)  # fmt: skip


def text_of(expr: Expr) -> str:
    """An expression as it is written in a rulebook."""
    match expr:
        case ("name", str(name)):
            return name
        case ("event", path, _):
            return f"event.{path}"
        case ("const", value):
            return _literal(value)
        case ("param", str(name)):
            return f"params.{name}"
        case ("rule", str(name)):
            return f"rule.{name}"
        case ("duration", str(written)):
            return written
        case ("not", inner):
            return f"not ({text_of(inner)})"
        case ("and" | "or" as op, *inner):
            return "(" + f" {op} ".join(text_of(one) for one in inner) + ")"
        case ("compare" | "arithmetic", op, left, right):
            return f"({text_of(left)} {op} {text_of(right)})"
        case ("chain", first, op, middle, other, last):
            return f"({text_of(first)} {op} {text_of(middle)} {other} {text_of(last)})"
        case ("call", function, *arguments):
            return f"{function}({', '.join(text_of(one) for one in arguments)})"
        case ("known", inner):
            return f"known({text_of(inner)})"
        case ("search", function, inner, *patterns):
            return f"{function}({', '.join([text_of(inner), *map(_literal, patterns)])})"
        case ("test", function, *arguments):
            return f"{function}({', '.join(text_of(one) for one in arguments)})"
        case ("contains any" | "contains word" as asked, inner, name):
            return f"{asked.replace(' ', '_')}({text_of(inner)}, lists.{name})"
        case ("in list", item, name):
            return f"({text_of(item)} in lists.{name})"
        case ("in", item, values):
            return f"({text_of(item)} in [{', '.join(map(_literal, values))}])"
        case ("contains", item, container):
            return f"({text_of(item)} in {text_of(container)})"
        case ("matches", item, pattern):
            return f'({text_of(item)} matches "{pattern}")'
    raise AssertionError(f"no expression: {expr}")


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def names_within(expr: Expr) -> set[str]:
    """The names of fields and values in an expression; of `event.a.b`, the path."""
    if expr[0] in ("name", "event"):
        return {expr[1]}
    return {name for part in parts(expr) for name in names_within(part)}


def rules_within(expr: Expr) -> set[str]:
    """The rules that an expression asks about."""
    return {expr[1]} if expr[0] == "rule" else {name for part in parts(expr) for name in rules_within(part)}


def quoted(expr: Expr) -> str:
    """An expression as a YAML text."""
    return "'" + text_of(expr).replace("'", "''") + "'"


def _field(one: Field) -> str:
    unit = f", unit: {one.unit}" if one.unit else ""
    return f"{{type: {one.type}{unit}, from: {one.path}}}"


def _table(name: str, one: Table) -> str:
    source = f"file: tables/{name}.jsonl" if one.is_file else f"topic: {name}"
    columns = ", ".join(f"{column}: {_field(field)}" for column, field in one.columns.items())
    return f"{{{source}, key: {one.key}, fields: {{{columns}}}}}"


def _counter(one: Counter) -> str:
    of = f"[{', '.join(one.of)}]"
    what = [f"count: {of}"] if one.kind == "count" else [f"{one.kind}: {one.field or 'gap'}", f"of: {of}"]
    what.append(f"by: [{', '.join(one.by)}], over: {one.over}")
    what += [f"at: {one.at}"] if one.kind == "quantile" else []
    what += [f"at_least: {one.at_least}"] if one.at_least else []
    what += ["before: true"] if one.before else []
    what += [f"read_by: [{', '.join(one.read_by)}]"] if one.read_by is not None else []
    if one.having is not None:
        most = f", at_most: {one.having[1]}" if one.having[1] is not None else ""
        what.append(f"having: {{at_least: {one.having[0]}{most}}}")
    if one.where is not None:
        what.append(f"where: {quoted(one.where)}")
    if one.cap is not None:
        what.append(f"cap: {one.cap}")
    if one.approx:
        what.append("approx: true")
    if one.excluded is not None:
        what.append(f"except: lists.{one.excluded}")
    return "{" + ", ".join(what) + "}"


def _memory(one: Memory) -> str:
    of = f"[{', '.join(one.of)}]"
    asked = {"age of last": "age: last", "age of first": "age: first", "new": f"new: {of}"}
    what = [asked.get(one.kind, f"{one.kind}: {one.field}")] + ([f"of: {of}"] if one.kind != "new" else [])
    what.append(f"by: [{', '.join(one.by)}], keep: {one.keep}")
    if one.where is not None:
        what.append(f"where: {quoted(one.where)}")
    if one.warm is not None:
        what.append(f"warm: {one.warm}")
    return "{" + ", ".join(what) + "}"


def _sequence(one: Sequence | Absence) -> str:
    if isinstance(one, Absence):
        return f"{{after: [{', '.join(one.after)}], none: [{', '.join(one.none)}], within: {one.within}, by: user_id}}"
    steps = []
    for step in one.steps:
        where = f", where: {quoted(step.where)}" if step.where is not None else ""
        steps.append(f"{{event: [{', '.join(step.of)}], times: {step.times}{where}}}")
    without = f", without: [{', '.join(one.without)}]" if one.without else ""
    return f"{{steps: [{', '.join(steps)}], within: {one.within}, by: [{', '.join(one.by)}]{without}}}"


def _derived(one: Expr | Ratio) -> str:
    if not isinstance(one, Ratio):
        return quoted(one)
    bound = ", bound: wilson_lower_95" if one.wilson else ""
    return f"{{ratio: [{text_of(one.numerator)}, {text_of(one.denominator)}], at_least: {one.at_least}{bound}}}"


def _score(terms: tuple[tuple[Expr, float], ...]) -> str:
    return "{" + ", ".join(f"{quoted(term)}: {points}" for term, points in terms) + "}"


def _param(one: Param) -> str:
    values = ", ".join(f"{json.dumps(segment)}: {value}" for segment, value in one.values)
    return str(one.default) if one.by is None else f"{{default: {one.default}, by: {one.by}, values: {{{values}}}}}"


def _deed(one: Deed, is_step: bool = False) -> str:
    target = f", target: {one.target}" if one.kind != "mark" and not is_step else ""
    lasts = f", for: {one.lasts}" if one.lasts is not None and one.kind != "mark" else ""
    return f"{{{one.kind}: {one.scope}{target}{lasts}}}"


def _ladder(one: Ladder) -> str:
    steps = ", ".join(f"{{at: {at}, {_deed(deed, is_step=True)[1:]}" for at, deed in one.steps)
    return f"{{decay: {one.decay}, steps: [{steps}]}}"


def _rule(one: Rule) -> str:
    when = [one.macro] if one.macro else [*map(quoted, one.when)]
    groups = {"when": when, "any": [*map(quoted, one.any)], "unless": [*map(quoted, one.unless)]}
    written = ", ".join(f"{group}: [{', '.join(clauses)}]" for group, clauses in groups.items() if clauses)
    deeds = [*map(_deed, one.then)]
    if one.lookback is not None:
        deeds[0] = f"{deeds[0][:-1]}, also: earlier, lookback: {one.lookback}}}"
    then = f"[{', '.join(deeds)}]" if one.ladder is None else f"{{ladder: {one.ladder}}}"
    rest = f", cooldown: {{per: [{', '.join(one.rest.per)}], for: {one.rest.lasts}}}" if one.rest is not None else ""
    mode = ", mode: shadow" if one.is_shadow else ""
    return f"{{event: [{', '.join(one.events)}], {written}, then: {then}{rest}{mode}}}"
