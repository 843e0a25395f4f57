"""Whether the parts of an expression agree in type, and what is said where they do not."""

from engine.core.values.networks import address_of
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.nodes import Constant, Expr, Type, a_type

NUMERIC = ("number", "duration", "size", "time")


def expect(diagnostics: Diagnostics, expr: Expr, needed: Type) -> Expr:
    """Settle an undeclared `event.x` on the type it is used as; refuse any other mismatch."""
    if expr.type == "any":
        expr.type = needed
    elif expr.type not in (needed, "wrong"):
        hint = None
        if needed == "bool" and expr.type in NUMERIC:
            hint = "compare it with something, for example > 10"
        diagnostics.error(expr.span, f"{a_type(needed)} is needed here, this is {a_type(expr.type)}", hint)
        expr.type = "wrong"
    return expr


def unify(diagnostics: Diagnostics, left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Settle what is undeclared on one side on the type of the other."""
    if left.type == "any" and right.type not in ("any", "wrong"):
        expect(diagnostics, left, right.type)
    elif right.type == "any" and left.type not in ("any", "wrong"):
        expect(diagnostics, right, left.type)
    return left, right


def missing_unit(left: Expr, right: Expr) -> str | None:
    """What to write where a duration or a size is compared with a bare number."""
    hint = None
    for side, other in ((left, right), (right, left)):
        if side.type == "duration" and isinstance(other, Constant) and other.type == "number":
            hint = f"a duration needs a unit: {other.value}d, {other.value}h or {other.value}m"
        elif side.type == "size" and isinstance(other, Constant) and other.type == "number":
            hint = f"a size needs a unit: {other.value}KB or {other.value}MB"
    return hint


def as_address(expr: Expr) -> Expr:
    """A literal that is compared with an address, in the usual writing of one."""
    if isinstance(expr, Constant) and isinstance(expr.value, str):
        return Constant(expr.span, expr.type, address_of(expr.value))
    return expr
