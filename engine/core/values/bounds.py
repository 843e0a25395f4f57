"""What is certain of a number that is not known: it is at least so much.

A counter that has lost entries of its window still knows those that it has. Comparisons with a bound hold only when
they hold for every number that it may stand for, and so does nothing else: `AtLeast(31) > 10` is true, `< 10` and
`> 40` are not; the generated code asks for the opposite where it needs to know that something is certainly false.
"""

from collections.abc import Iterable

import msgspec

LEAST = "at_least"
"""How a decision has a bound: `{"at_least": 31}`."""


class AtLeast(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", tag="at least"):
    """A number of which only a lower bound is known."""

    least: float | int

    def __gt__(self, other: object) -> bool:
        return not isinstance(other, AtLeast) and self.least > other  # type: ignore[operator]  # generated: a number

    def __ge__(self, other: object) -> bool:
        return not isinstance(other, AtLeast) and self.least >= other  # type: ignore[operator]  # generated: a number

    def __lt__(self, other: object) -> bool:
        return False

    def __le__(self, other: object) -> bool:
        return False

    def __add__(self, other: "float | int | AtLeast") -> "AtLeast":
        return AtLeast(self.least + (other.least if isinstance(other, AtLeast) else other))

    __radd__ = __add__

    def __sub__(self, other: "float | int | AtLeast") -> "AtLeast":
        return AtLeast(_NOTHING if isinstance(other, AtLeast) else self.least - other)

    def __rsub__(self, other: float) -> "AtLeast":
        return AtLeast(_NOTHING)

    def __mul__(self, other: "float | int | AtLeast") -> "AtLeast":
        factor = other.least if isinstance(other, AtLeast) else other
        return AtLeast(self.least * factor if factor >= 0 and self.least >= 0 else _NOTHING)

    __rmul__ = __mul__

    def __truediv__(self, other: "float | int | AtLeast") -> "AtLeast":
        return AtLeast(_NOTHING if isinstance(other, AtLeast) or other <= 0 else self.least / other)

    def __rtruediv__(self, other: float) -> "AtLeast":
        return AtLeast(_NOTHING)

    def __mod__(self, other: "float | int | AtLeast") -> "AtLeast":
        return AtLeast(_NOTHING)

    def __rmod__(self, other: float) -> "AtLeast":
        return AtLeast(_NOTHING)

    def __abs__(self) -> "AtLeast":
        return AtLeast(max(self.least, 0))

    def __str__(self) -> str:
        return f"at least {self.least:g}"


_NOTHING = float("-inf")
"""The bound of a number of which nothing is known."""


def at_least(count: int) -> AtLeast | None:
    """What is known of a count that is incomplete; None (unknown) when nothing has been found."""
    return AtLeast(count) if count > 0 else None


def least_of(number: float | int | AtLeast | None) -> float | int | None:
    """The number itself, or its lower bound where it has one alone."""
    return number.least if isinstance(number, AtLeast) else number


def smaller(left: float | int | AtLeast, right: float | int | AtLeast) -> float | int | AtLeast:
    """The smaller of two numbers, as far as it is known."""
    if isinstance(left, AtLeast) and isinstance(right, AtLeast):
        return AtLeast(min(left.least, right.least))
    if isinstance(right, AtLeast):
        left, right = right, left
    if isinstance(left, AtLeast):
        return right if left.least >= right else left
    return min(left, right)


def larger(left: float | int | AtLeast, right: float | int | AtLeast) -> float | int | AtLeast:
    """The larger of two numbers, as far as it is known."""
    if isinstance(left, AtLeast) or isinstance(right, AtLeast):
        return AtLeast(max(*(each.least if isinstance(each, AtLeast) else each for each in (left, right))))
    return max(left, right)


def is_outside(value: object, values: Iterable[object]) -> bool:
    """Whether a value is none of these for certain."""
    return all(differs(value, other) for other in values)


def settled(number: float | int | AtLeast | None) -> float | int | AtLeast | None:
    """A number, or None where so little is known of it that it may be any."""
    return None if isinstance(number, AtLeast) and number.least == _NOTHING else number


def equals(left: object, right: object) -> bool:
    """Whether two values are the same for certain."""
    return left == right and not isinstance(left, AtLeast)


def differs(left: object, right: object) -> bool:
    """Whether two values are different for certain."""
    if isinstance(left, AtLeast):
        return not isinstance(right, AtLeast) and left > right
    return right > left if isinstance(right, AtLeast) else left != right
