"""Statistics of what lies in a window: of the amounts of a sum series, or of the gaps between the events of a count.

Nothing is stored for them: they are computed from what sums and counts keep. Of a window of which something has been
merged, given up or doubted, or cannot be read, a statistic is that of what is there: else one event that says nothing
would silence the rules about all who share an entity. A maximum is a lower bound then.

- A gap is the time between two events that follow one another in the window; n events have n - 1 gaps.
- `stdev` is that of a sample, so two values are the least. A quantile between two values lies between them in
  proportion, and the median is the quantile 0.5.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import fsum, sqrt
from typing import NamedTuple

from engine.core.series.counts import LAYOUT
from engine.core.series.packed import Packed, bounds, find, holds, horizon, lost_until
from engine.core.series.windows import SeriesByKey, SumSeries
from engine.core.values.bounds import AtLeast

Values = Sequence[float]

Z95 = 1.959964
"""Of what is normally distributed, 95 % lie within so many standard deviations of the mean."""


class Sample(NamedTuple):
    """The values of a window that are certain; `is_whole`: there are no others; `is_late`: it began before all that is
    kept, as the event comes so late."""

    values: Values
    is_whole: bool
    is_late: bool = False


_NOTHING = Sample((), True)


def amounts_within(series: SeriesByKey | None, key: int, now: int, over_ms: int) -> Sample | None:
    """The amounts of the sum series `key` in (now - over_ms, now]; None without series."""
    if series is None:
        return None
    sums = series.get(key)
    if not isinstance(sums, SumSeries):
        return _NOTHING
    start, reached = now - over_ms, sums.horizon()
    known_from = max(start, reached, sums.floor) if sums.floor else max(start, reached)  # what is merged lies before
    found = sums.amounts[bisect_right(sums.times, known_from) : bisect_right(sums.times, now)]
    readable = [amount for amount in found if amount == amount]  # noqa: PLR0124  # NaN could not be read
    return Sample(readable, start >= known_from and len(readable) == len(found), start < reached)


def gaps_within(words: "Packed[int] | None", key: int, now: int, over_ms: int) -> Sample | None:
    """The gaps between the events of the count series `key` in (now - over_ms, now]; None without an array."""
    if words is None:
        return None
    place = find(words, key)
    if not holds(words, place, key):
        return _NOTHING
    first, end = bounds(words, place, LAYOUT)
    start, reached = now - over_ms, horizon(words, place, LAYOUT)
    times = words[bisect_right(words, max(start, reached), first, end) : bisect_right(words, now, first, end)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return Sample(gaps, start >= lost_until(words, place, LAYOUT), start < reached)


def measure(kind: str, sample: Sample | None, at_least: int, at: float) -> float | AtLeast | None:
    """A statistic of a sample; None of fewer than `at_least` values. `at`: which quantile."""
    if sample is None or len(sample.values) < max(at_least, _LEAST.get(kind, 1)):
        return None
    if kind == "max" and not sample.is_whole:
        return AtLeast(max(sample.values))
    return _MEASURES[kind](sample.values, at) if not sample.is_late else None


def _mean(values: Values, _: float = 0.0) -> float:
    """Of equal values that value, however it is rounded."""
    return max(min(values), min(max(values), fsum(values) / len(values)))


def _stdev(values: Values, _: float) -> float:
    mean = _mean(values)
    return sqrt(fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1))


def _quantile(values: Values, at: float) -> float:
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    below = int(place)
    above = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (above - ordered[below]) * (place - below)


_LEAST: Mapping[str, int] = {"stdev": 2}
_MEASURES: Mapping[str, Callable[[Values, float], float]] = {
    "max": lambda values, _: max(values),
    "min": lambda values, _: min(values),
    "mean": _mean,
    "stdev": _stdev,
    "median": _quantile,
    "quantile": _quantile,
}
