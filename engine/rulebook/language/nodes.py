"""The nodes of an expression, each with its place and its type."""

from dataclasses import dataclass, field
from typing import Literal

from engine.rulebook.language.diagnostics import Span

Type = Literal["bool", "number", "text", "duration", "size", "list", "time", "text or list", "any", "wrong"]


@dataclass(slots=True)
class Expr:
    """Any expression. `type` "wrong" means that an error has been reported already."""

    span: Span
    type: Type


@dataclass(slots=True)
class Constant(Expr):
    """A literal: bool, float, int or str."""

    value: bool | float | int | str


@dataclass(slots=True)
class Ref(Expr):
    """A name. `kind`: field, value, memory, counter, sequence, derived, score, keys or event; `target`: the name within
    that kind. Scorecards, parameters by segment (`params.x`) and the conditions of rules (`rule.x`) are derived
    values."""

    kind: str
    target: str
    written: str


@dataclass(slots=True)
class Not(Expr):
    operand: Expr


@dataclass(slots=True)
class Logical(Expr):
    """and / or."""

    op: str
    operands: list[Expr]


@dataclass(slots=True)
class Compare(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Arithmetic(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Call(Expr):
    """`is_searched`: something is looked for in what it gives, so all ways to read a text count."""

    function: str
    arguments: list[Expr]
    is_searched: bool = False


@dataclass(slots=True)
class Search(Expr):
    """A function of a text and of what is fixed: patterns, or the name of a list."""

    function: str
    subject: Expr
    fixed: tuple[str, ...]


@dataclass(slots=True)
class Member(Expr):
    """item in a declared list, or in a literal one."""

    item: Expr
    list_name: str | None
    values: frozenset[str | float | int | bool] = field(default_factory=frozenset)


@dataclass(slots=True)
class Contains(Expr):
    """A text inside a text, or an item inside an event's list."""

    item: Expr
    container: Expr


@dataclass(slots=True)
class Matches(Expr):
    subject: Expr
    pattern: str


@dataclass(slots=True)
class Choice(Expr):
    """A constant for each value of a text of the event; `default` for any other text, and where there is none."""

    subject: Ref
    values: list[tuple[str, Constant]]
    default: Constant


@dataclass(slots=True)
class Term:
    """A term of a scorecard: as it is written, when it holds, and how many points it adds then."""

    text: str
    condition: Expr
    points: float | int


@dataclass(slots=True)
class Points(Expr):
    """The points of those terms that hold, added up."""

    terms: list[Term]


def names_in(expr: Expr) -> list[Ref]:
    """Every name in an expression, in order of appearance, each once for each type it is used as."""
    refs: dict[tuple[str, str], Ref] = {}

    def visit(node: Expr) -> None:
        if isinstance(node, Ref):
            refs.setdefault((node.written, node.type), node)
        for child in children(node):
            visit(child)

    visit(expr)
    return list(refs.values())


def children(expr: Expr) -> list[Expr]:
    """The direct parts of an expression."""
    match expr:
        case Not(operand=operand):
            return [operand]
        case Logical(operands=operands) | Call(arguments=operands):
            return operands
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return [left, right]
        case Member(item=item):
            return [item]
        case Contains(item=item, container=container):
            return [item, container]
        case Matches(subject=subject) | Search(subject=subject) | Choice(subject=subject):
            return [subject]
        case Points(terms=terms):
            return [term.condition for term in terms]
    return []


def lists_of(expr: Expr) -> tuple[str, ...]:
    """The lists that an expression names itself, not in its parts."""
    match expr:
        case Member(list_name=str(name)) | Search(function="contains_any" | "contains_word", fixed=(name,)):
            return (name,)
    return ()


def any_wrong(expr: Expr) -> bool:
    """Whether an error has been reported anywhere in an expression."""
    return expr.type == "wrong" or any(any_wrong(child) for child in children(expr))


def a_type(kind: str) -> str:
    """How an error message calls a type."""
    names = {"bool": "a truth value", "any": "an undeclared value", "list": "a list", "text": "a text"}
    return names.get(kind, f"a {kind}")
