"""Single things that a rulebook declares, as plain records: each with its type and what it is made of."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.core.domain.counters import CounterTerms
from engine.core.domain.reference import LookupKind
from engine.core.domain.rules import MemoryKind
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Constant, Expr, Ref, Type
from engine.rulebook.language.source import Node

MAX_PARTS = 3
Fold = Callable[[str], str]
MAX_LAYERS = 4
_MIXED = ("derived", "scores", "rules")
_EVENT_PATH = re.compile(r"event(?:\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class ReferenceDeclaration:
    """Where the engine looks a field up. `source`: the file of a database, or a table's name; `key`: the field that it
    goes by; `column`: the dotted path in the row; `content`: stands for the rows, where the rulebook has them."""

    kind: LookupKind
    source: str
    key: str
    column: str
    content: int = 0


@dataclass(frozen=True, slots=True)
class FieldDeclaration:
    """A field of the event: its type, its path, what one unit of it is in ms or bytes, and whether numbers may be
    written as texts. `reference`: where it is looked up, if the sender does not say it."""

    type: Type
    path: str
    factor: int = 1
    is_spelt: bool = False
    reference: ReferenceDeclaration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterDeclaration(CounterTerms):
    """A counter as it was written. `excluded`: the list of keys that it leaves out."""

    span: Span
    where: Expr | None
    where_text: str | None
    cap: int | None
    excluded: str | None = None
    type: Type = "number"


@dataclass(slots=True)
class MemoryDeclaration:
    """What an entity remembers, as it was written. `subject`: the field; `type`: of the answer."""

    name: str
    span: Span
    kind: MemoryKind
    subject: Ref | None
    of: tuple[str, ...]
    by: str
    keep_ms: int
    where: Expr | None
    where_text: str | None
    warm_ms: int
    type: Type


@dataclass(frozen=True, slots=True)
class RatioDeclaration:
    """numerator / denominator, unknown below `at_least`, or its Wilson lower bound."""

    numerator: Ref
    denominator: Ref
    at_least: float
    wilson: bool


@dataclass(frozen=True, slots=True)
class ValueDeclaration:
    """What is computed from an event alone: its type, its expression, and how that was written."""

    type: Type
    expr: Expr
    text: str


@dataclass(frozen=True, slots=True)
class Macro:
    """Clauses with a name. `arguments`: what may be told where it is used, and what each is otherwise."""

    arguments: dict[str, tuple[str, Constant]]
    clauses: list[Node]
