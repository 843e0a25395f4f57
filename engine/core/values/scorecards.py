"""Points of the terms that hold, added up, where of some terms nobody can tell whether they hold.

The sum is a number where all terms are known. Else it is a bound: a term that may hold or not adds nothing,
and one that takes points away takes them. So what a bound says is certain, and a value that is
missing never makes a sum larger.
"""

from collections.abc import Sequence
from typing import NamedTuple

from engine.core.values.bounds import AtLeast

DECIMALS = 3
_PARTS = 1_000


class Scorecard(NamedTuple):
    """What each term is called, and how many points it adds: in thousandths, so that 0.1 and 0.7 are 0.8."""

    terms: tuple[str, ...]
    thousandths: tuple[int, ...]

    def total(self, held: Sequence[bool | None]) -> float | int | AtLeast:
        """All points; `held`: by term, whether it holds, None where nobody can tell."""
        least = 0
        for holds, points in zip(held, self.thousandths, strict=True):
            if holds or (points < 0 and holds is None):
                least += points
        return AtLeast(_number(least)) if None in held else _number(least)

    def earned(self, held: Sequence[bool | None]) -> dict[str, float | int]:
        """By term, the points that make the total."""
        counted = zip(self.terms, held, self.thousandths, strict=True)
        return {term: _number(points) for term, holds, points in counted if holds or (points < 0 and holds is None)}


def _number(thousandths: int) -> float | int:
    return thousandths / _PARTS if thousandths % _PARTS else thousandths // _PARTS


def scorecard(terms: Sequence[tuple[str, float | int]]) -> Scorecard:
    """Of terms with their points."""
    return Scorecard(tuple(text for text, _ in terms), tuple(round(points * _PARTS) for _, points in terms))
