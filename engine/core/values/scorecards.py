"""Points of the terms that hold, added up, where of some terms nobody can tell whether they hold.

The sum is a number where all terms are known. Else it is a bound: a term that may hold or not adds nothing,
and one that takes points away takes them. So what a bound says is certain, and a value that is
missing never makes a sum larger.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.core.values.bounds import AtLeast

DECIMALS = 3
_PARTS = 10**DECIMALS


class Scorecard(NamedTuple):
    """What each term is called, and how many points it adds: in thousandths, so that 0.1 and 0.7 are 0.8."""

    terms: tuple[str, ...]
    thousandths: tuple[int, ...]

    def total(self, held: Sequence[bool | None]) -> float | int | AtLeast:
        """All points; `held`: by term, whether it holds, None where nobody can tell."""
        least = sum(points for _, points in self._counted(held))
        number = least // _PARTS if least % _PARTS == 0 else least / _PARTS
        return AtLeast(number) if None in held else number

    def earned(self, held: Sequence[bool | None]) -> dict[str, float | int]:
        """By term, the points that make the total."""
        return {
            self.terms[place]: points // _PARTS if points % _PARTS == 0 else points / _PARTS
            for place, points in self._counted(held)
        }

    def _counted(self, held: Sequence[bool | None]) -> Iterator[tuple[int, int]]:
        for place, points in enumerate(self.thousandths):
            if held[place] or (held[place] is None and points < 0):
                yield place, points


def scorecard(terms: Sequence[tuple[str, float | int]]) -> Scorecard:
    """Of terms with their points."""
    return Scorecard(tuple(text for text, _ in terms), tuple(round(points * _PARTS) for _, points in terms))
