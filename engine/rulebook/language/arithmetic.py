"""Sums, differences, products and quotients in an expression: of which type they are, and which have no meaning."""

from engine.rulebook.language.agreement import NUMERIC, expect, unify
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.nodes import Arithmetic, Expr, Type, a_type

_INSTEAD: dict[Type, str] = {
    "bool": "points for what is so: a scorecard, `scores: {risk: {foreign: 50}}`",
    "time": "declare it as a time: `fields: {created: time}`",
    "text": "texts are not joined, but entities may be of several: `by: [a, b]`; number(x) is what a text says",
    "list": "len(tags) is how many items there are",
}
"""What to write where one side is of a type that nothing is computed of; `time` where the other side is a time."""


def combined(diagnostics: Diagnostics, op: str, left: Expr, right: Expr, span: Span) -> Expr:
    """What comes of two expressions, or an error."""

    def wrong(place: Span, message: str, hint: str | None = None) -> Expr:
        diagnostics.error(place, message, hint)
        return Expr(place, "wrong")

    if op in "+-":
        left, right = unify(diagnostics, left, right)
    for side, beside in ((left, right), (right, left)):
        if side.type == "any":
            expect(diagnostics, side, "number")
        elif side.type not in (*NUMERIC, "wrong"):
            hint = _INSTEAD.get("time" if beside.type == "time" else side.type)
            return wrong(side.span, f"`{op}` needs numbers, this is {a_type(side.type)}", hint)
    if "wrong" in (left.type, right.type):
        return Expr(span, "wrong")
    result = _type_of(op, left.type, right.type)
    if result is None:
        return wrong(span, f"{a_type(left.type)} {op} {a_type(right.type)} has no meaning")
    return Arithmetic(span=span, type=result, op=op, left=left, right=right)


def _type_of(op: str, left: Type, right: Type) -> Type | None:
    """Of which type the result is; None where it has no meaning."""
    if "time" in (left, right):
        return _BESIDE_A_TIME.get((left, op, right))
    if left == right:
        return None if op == "*" and left != "number" else "number" if op == "/" else left
    if op == "*" and "number" in (left, right):
        return right if left == "number" else left
    return left if op == "/" and right == "number" else None


_BESIDE_A_TIME: dict[tuple[Type, str, Type], Type] = {
    ("time", "-", "time"): "duration",
    ("time", "-", "duration"): "time",
    ("time", "+", "duration"): "time",
}
