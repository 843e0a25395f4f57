"""What is answered at the user of an event's lists, so that these need not travel to its entities and back.

A sender chooses how long a list is. Rules that are decided when the event is back, or at an entity, ask little of it:
whether something is in it, how long it is. Each part of a clause that reads lists and nothing but the event is asked
before the event sets out, and goes along as its answer. Only what asks for a list and for something else at once, such
as what an entity remembers, needs the list itself.
"""

from dataclasses import fields, replace
from typing import Any

from engine.core.values.hashing import hash32
from engine.core.values.identity import INVALID_FIELDS
from engine.rulebook.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Contains,
    Expr,
    Logical,
    Matches,
    Member,
    Not,
    Ref,
    Search,
    names_in,
)
from engine.rulebook.sections.declarations import Declarations

ANSWER = "answer "
"""How the names begin under which an event carries what was answered. No field has a blank in its path."""

_FIELDS = ("field", "event", "keys")
_OF_EVENT = (*_FIELDS, "value")
_LISTS = ("list", "text or list")
_PLACE = ("span", "written")


class Answers:
    """Puts what is answered at the user in the place of what asks for lists. `asked`: what that is, by the name under
    which the event carries it; `shown`: lists as people read them; `read`: the names that are read nevertheless."""

    def __init__(self, declared: Declarations) -> None:
        self._declared = declared
        self._known: dict[int, tuple[Expr, Expr]] = {}
        self.asked: dict[str, Expr] = {}
        self.shown: dict[str, Ref] = {}
        self.read: set[tuple[str, str]] = set()

    def put_into(self, expr: Expr) -> Expr:
        """An expression of the same meaning that names answers. One that names no lists is returned itself."""
        if not any(is_list(self._declared, ref) for ref in names_in(expr)):
            return expr
        known = self._known.get(id(expr))
        if known is None:
            known = self._known[id(expr)] = (expr, self._put_into(expr))
        return known[1]

    def put_for(self, ref: Ref) -> Ref | None:
        """What stands for a list where people read it; None for any other name."""
        if not is_list(self._declared, ref) or ref.type not in _LISTS:
            return None
        name = f"{ANSWER}shown {self._hash(ref)}"
        self.shown[name] = ref
        return replace(ref, kind="answer", target=name, type="any")

    def is_read(self, ref: Ref) -> bool:
        """Whether what a name stands for has to be at hand: it is no list, or one that is read itself."""
        return not is_list(self._declared, ref) or (ref.kind, ref.target) in self.read

    def _put_into(self, expr: Expr) -> Expr:
        names = names_in(expr)
        is_plain = isinstance(expr, Call) and all(ref.kind in _FIELDS for ref in names)  # no bound
        if (expr.type == "bool" or (is_plain and expr.type not in _LISTS)) and all(
            ref.kind in _OF_EVENT for ref in names
        ):
            name = f"{ANSWER}{self._hash(expr)}"
            self.asked[name] = expr
            return Ref(expr.span, expr.type, "answer", name, name)
        match expr:
            case Not(operand=operand):
                return replace(expr, operand=self.put_into(operand))
            case Logical(operands=operands):
                return replace(expr, operands=[self.put_into(part) for part in operands])
            case Call(arguments=arguments):
                return replace(expr, arguments=[self.put_into(part) for part in arguments])
            case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
                return replace(expr, left=self.put_into(left), right=self.put_into(right))
            case Member(item=item):
                return replace(expr, item=self.put_into(item))
            case Contains(item=item, container=container):
                return replace(expr, item=self.put_into(item), container=self.put_into(container))
            case Matches(subject=subject) | Search(subject=subject):
                return replace(expr, subject=self.put_into(subject))
        return expr

    def _hash(self, expr: Expr) -> int:
        """Of what an expression means, wherever it stands and however it is written."""
        return hash32(self._meaning(expr))

    def _meaning(self, part: Any) -> str:
        if isinstance(part, Ref) and part.kind == "value":
            return self._meaning(self._declared.values[part.target].expr)
        if isinstance(part, Ref) and part.kind == "field":
            return f"{part.type} {self._declared.fields[part.target]!r}"
        if isinstance(part, Expr):
            parts = [self._meaning(getattr(part, each.name)) for each in fields(part) if each.name not in _PLACE]
            return f"{type(part).__name__}({', '.join(parts)})"
        if isinstance(part, list):
            return f"[{', '.join(map(self._meaning, part))}]"
        return repr(sorted(map(repr, part)) if isinstance(part, frozenset) else part)


def is_list(declared: Declarations, ref: Ref) -> bool:
    """Whether a name stands for a list that the sender has written, or for what is computed of one."""
    if ref.kind == "value":
        return any(is_list(declared, each) for each in names_in(declared.values[ref.target].expr))
    if ref.kind == "field" and declared.fields[ref.target].path == INVALID_FIELDS:
        return False  # these are the engine's
    return ref.kind == "keys" or (ref.kind in _FIELDS and ref.type in _LISTS)
