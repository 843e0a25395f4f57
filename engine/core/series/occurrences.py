"""Series that keep every occurrence of a value, for questions about how often each value occurs.

A distinct series (`distincts.py`) gives up the older occurrences of a value first; here the oldest entry of all goes,
so that the occurrences in a window are complete or known not to be. What windows and floors mean is said in
`windows.py`.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from typing import ClassVar

from engine.core.series.windows import SERIES_TYPES, Series, SeriesByKey
from engine.core.values.bounds import AtLeast, at_least

OCCURRENCES = 5


class OccurrenceSeries(Series):
    """The hash of a value beside each time."""

    __slots__ = ("hashes",)
    kind: ClassVar[int] = OCCURRENCES

    def __init__(self, retention_ms: int) -> None:
        super().__init__(retention_ms)
        self.hashes = array("Q")

    def add_value(self, now: int, value: int, cap: int) -> None:
        """Enter one event with the hash of its value."""
        if self.times and now <= self.horizon():
            return
        at = bisect_right(self.times, now)
        self.times.insert(at, now)
        self.hashes.insert(at, value)
        if len(self.times) > cap:
            self._make_room(cap)

    def remove_value(self, now: int, value: int) -> None:
        """Take one event at `now` with this value out again."""
        for at in range(bisect_left(self.times, now), bisect_right(self.times, now)):
            if self.hashes[at] == value:
                del self.times[at], self.hashes[at]
                return

    def number(self, now: int, over_ms: int, least: int, most: int | None) -> int | AtLeast | None:
        """How many values occur at least `least` times in (now - over_ms, now], and at most `most`. Where a part of the
        window is not known, a value may occur more often: then without `most` at least as many, else None."""
        start, reached = now - over_ms, self.horizon()
        lost_until = max(self.floor, reached) if self.floor else reached
        known_from = max(start, reached)  # entries before that may be there still, or not
        found = Counter(self.hashes[bisect_right(self.times, known_from) : bisect_right(self.times, now)])
        number = sum(least <= times and (most is None or times <= most) for times in found.values())
        if start >= lost_until:
            return number
        return at_least(number) if most is None else None

    def _make_room(self, cap: int) -> None:
        self.trim()  # first, so that it does not matter when the record was saved last
        gone = len(self.times) - cap
        if gone > 0:
            self.floor = max(self.floor, self.times[gone - 1])
            self._drop(gone)

    def _drop(self, gone: int) -> None:
        del self.times[:gone], self.hashes[:gone]


SERIES_TYPES[OCCURRENCES] = OccurrenceSeries


def add_occurrence(series: SeriesByKey, key: int, now: int, value: int, cap: int, retention_ms: int) -> None:
    """Enter an event with the hash of its value into the series `key`."""
    _opened(series, key, retention_ms).add_value(now, value, cap)


def doubt_occurrence(series: SeriesByKey, key: int, now: int, retention_ms: int) -> None:
    """Note that an event at `now` may belong to the series `key`, or may not."""
    opened = _opened(series, key, retention_ms)
    opened.floor = max(opened.floor, now)


def remove_occurrence(series: SeriesByKey, key: int, now: int, value: int) -> None:
    """Take one event with this value out of the series `key` again."""
    known = series.get(key)
    if isinstance(known, OccurrenceSeries):
        known.remove_value(now, value)


def read_occurrence(
    series: SeriesByKey | None, key: int, now: int, over_ms: int, least: int, most: int | None
) -> int | AtLeast | None:
    """As `OccurrenceSeries.number`; None without series."""
    if series is None:
        return None
    known = series.get(key)
    return known.number(now, over_ms, least, most) if isinstance(known, OccurrenceSeries) else 0


def _opened(series: SeriesByKey, key: int, retention_ms: int) -> OccurrenceSeries:
    known = series.get(key)
    if not isinstance(known, OccurrenceSeries):
        known = series[key] = OccurrenceSeries(retention_ms)
    known.retain(retention_ms)
    return known
