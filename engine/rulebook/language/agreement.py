"""Whether the parts of an expression agree in type, and what is said where they do not."""

from engine.core.domain.units import duration_ms, size_bytes
from engine.core.values.networks import address_of, network_of
from engine.keys.calendar import time_ms
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.nodes import Call, Constant, Expr, Type, a_type

NUMERIC = ("number", "duration", "size", "time")


_HINTS: dict[tuple[Type, Type], str] = {
    ("bool", "text"): 'compare it with something, for example == "x", or ask whether it is there: known(x)',
    ("bool", "list"): 'ask for an item, for example "x" in tags, or for its length: len(tags) > 0',
    ("time", "text"): "declare it as a time: `fields: {created: time}`",
    ("time", "number"): "declare it as a time: `fields: {created: {type: time, unit: s}}`",
    ("text", "list"): "`in`, `matches` and len() read lists, other functions a text",
    ("text", "number"): "declare it as a text, if it is one",
    ("number", "text"): "the number that a text says: number(x)",
    ("number", "duration"): "in hours it is a number: x / 1h; what is asked of a time window is declared as a counter",
}
"""By what is needed and what is there."""


def expect(diagnostics: Diagnostics, expr: Expr, needed: Type) -> Expr:
    """Settle an undeclared `event.x` on the type it is used as; refuse any other mismatch."""
    if expr.type == "any":
        expr.type = needed
    elif expr.type not in (needed, "wrong"):
        hint = _HINTS.get((needed, expr.type))
        if needed == "bool" and expr.type in NUMERIC:
            hint = "compare it with something, for example > 10"
        elif needed == "bool" and isinstance(expr, Constant):
            hint = 'both sides of `and` and `or` are whole conditions: "a" in text or "b" in text'
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


def how_to_compare(left: Expr, right: Expr) -> str | None:
    """What to write where two sides differ in type."""
    hint = None
    for side, other in ((left, right), (right, left)):
        written = other.value if isinstance(other, Constant) else None
        if isinstance(written, str) and _is_written(written, side.type):
            hint = f"write it without quotes: {written}"
        elif side.type == "time" and other.type == "duration":
            hint = "how long ago something was: ts - created < 1d"
        elif side.type == "time" and isinstance(written, str):
            hint = 'a time is written as "2026-10-01" or "2026-10-01T09:30:00Z"'
        elif side.type == "text" and isinstance(written, int | float) and not isinstance(written, bool):
            hint = f'a text stands in quotes: "{written}"; the number that a text says is number(x)'
        elif side.type == "duration" and isinstance(other, Constant) and other.type == "number":
            hint = f"a duration needs a unit: {other.value}d, {other.value}h or {other.value}m"
        elif side.type == "size" and isinstance(other, Constant) and other.type == "number":
            hint = f"a size needs a unit: {other.value}KB or {other.value}MB"
    return hint


def _is_written(text: str, kind: Type) -> bool:
    """Whether a text in quotes would be of another type without them."""
    if kind == "number":
        return text.isascii() and text.replace(".", "", 1).isdigit()
    if kind == "bool":
        return text in ("true", "false")
    return (duration_ms(text) if kind == "duration" else size_bytes(text) if kind == "size" else None) is not None


def as_time(expr: Expr, other: Expr) -> Expr:
    """A literal that is compared with a time, as one, if it is written as one."""
    if other.type == "time" and isinstance(expr, Constant) and isinstance(expr.value, str):
        moment = time_ms(expr.value)
        return Constant(expr.span, "time", moment) if moment is not None else expr
    return expr


def look_at_literal(diagnostics: Diagnostics, side: Expr, literal: Expr) -> None:
    """Warn of a text that what it is compared with can never be, or that stands for itself where a pattern is meant."""
    if not isinstance(literal, Constant) or not isinstance(literal.value, str):
        return
    text = literal.value
    if isinstance(side, Call) and side.function in ("lower", "skeleton") and text != text.lower():
        diagnostics.warning(
            literal.span, f"{side.function}() has no capitals: this is never equal", "write small letters"
        )
    elif len(text) > 2 and "*" in (text[0], text[-1]):
        hint = 'write: "word" in text, or starts_with(text, "word")'
        diagnostics.warning(literal.span, "`*` stands for itself here", hint)


def names_no_address(expr: Expr) -> bool:
    """Whether it is a literal that no address can be equal to."""
    if not isinstance(expr, Constant) or not isinstance(expr.value, str) or not expr.value:
        return False
    network = network_of(expr.value)
    return network is None or network.bits < (32 if network.version == 4 else 128)


def as_address(expr: Expr) -> Expr:
    """A literal that is compared with an address, in the usual writing of one."""
    if isinstance(expr, Constant) and isinstance(expr.value, str):
        return Constant(expr.span, expr.type, address_of(expr.value))
    return expr
