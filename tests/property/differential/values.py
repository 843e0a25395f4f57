"""Numbers that are known, numbers of which only a lower bound is known, and what comes of them.

Written plainly, for the reference: nothing here is the engine's.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple


class NotToldError(Exception):
    """The reference cannot tell what is right here."""


class Least(NamedTuple):
    """A number that may be anything from `bound` on."""

    bound: float


ANYTHING = Least(-math.inf)
Number = float | Least

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_COMPUTED: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
}  # fmt: skip
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


def compare(op: str, left: Any, right: Any) -> bool | None:
    """Whether a comparison holds for every number that its sides may be, or for none; None when for some."""
    if isinstance(left, Least) and isinstance(right, Least):
        return None
    if isinstance(right, Least):
        return compare(_MIRRORED[op], right, left)
    if not isinstance(left, Least):
        return _COMPARED[op](left, right)
    return {
        ">": True if left.bound > right else None,
        ">=": True if left.bound >= right else None,
        "<": False if left.bound >= right else None,
        "<=": False if left.bound > right else None,
        "==": False if left.bound > right else None,
        "!=": True if left.bound > right else None,
    }[op]


def compute(op: str, left: Number, right: Number) -> Number | None:
    """Arithmetic in floating point; None where the divisor may be zero. Of lower bounds only lower bounds are kept."""
    if op in "/%" and compare("!=", right, 0) is not True:
        return None
    if not isinstance(left, Least) and not isinstance(right, Least):
        found: float = _COMPUTED[op](float(left), right)
        return found
    one, other = low(left), low(right)
    if op == "+":
        return Least(one + other)
    if op == "*" and one >= 0 and other >= 0:
        return Least(one * other)
    if not isinstance(right, Least):
        if op == "-":
            return Least(one - other)
        if op == "/" and other > 0:
            return Least(one / other)
    return ANYTHING


def low(number: Number) -> float:
    """The least that a number may be."""
    return number.bound if isinstance(number, Least) else number


def call(function: str, numbers: list[Number]) -> Number:
    """min, max and abs."""
    lowest = [low(number) for number in numbers]
    bounds = [isinstance(number, Least) for number in numbers]
    if function == "abs":
        return Least(max(lowest[0], 0)) if bounds[0] else abs(lowest[0])
    if function == "max":
        return Least(max(lowest)) if any(bounds) else max(lowest)
    if all(bounds):
        return Least(min(lowest))
    certain = min(value for value, is_bound in zip(lowest, bounds, strict=True) if not is_bound)
    below = any(value < certain for value, is_bound in zip(lowest, bounds, strict=True) if is_bound)
    return Least(min(lowest)) if below else certain


def share(numerator: Number | None, denominator: Number | None, at_least: float, wilson: bool) -> Number | None:
    """A ratio: unknown below `at_least`, and where the denominator is a bound."""
    if numerator is None or denominator is None or isinstance(denominator, Least):
        return None
    if denominator <= 0 or denominator < at_least:
        return None
    found = low(numerator) / denominator
    if wilson:
        found = _wilson(min(1.0, max(0.0, found)), denominator)
    return Least(found) if isinstance(numerator, Least) else found


def _wilson(part: float, total: float) -> float:
    """The lower end of the 95 % confidence interval (Wilson, 1927)."""
    z = 1.959964
    middle = part + z * z / (2 * total)
    spread = z * math.sqrt(part * (1 - part) / total + z * z / (4 * total * total))
    return (middle - spread) / (1 + z * z / total)
