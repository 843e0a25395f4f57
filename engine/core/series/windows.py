"""Exact sliding windows over event time. Pure arithmetic: no clock, no I/O.

A series keeps one entry per event that its counter matched, ordered by time, for one entity. From one
series every window length is answered. Times are milliseconds relative to the entity's base
(see `entities.py`), which keeps an entry at four bytes. Here are the series that add up; those that count are in
`counts.py` and `distincts.py`.

The edges, all of them:

- The window of an event at `now` is (now - over, now]: itself and equal times are inside, an event
  exactly `over` earlier is outside, later events (it came late) are outside.
- A series holds at most `cap` entries. When one must go, the oldest goes, and `floor` remembers the
  newest time that was lost. A window that starts before `floor` is incomplete: its answer is
  "at least as many as are left" (`bounds.py`).
- Entries older than `retention` before the newest one (but a few, which may lie: `packed.AHEAD`) are as good as
  gone, whether or not they have been dropped yet: answers depend on the events and their order, never on when a
  record was saved.
- An event in doubt raises the floor to its time (`packed.doubt`): it may belong to the series, or may not.
- An event at or before the floor is entered all the same, as it is certain; one behind the retention changes nothing.
"""

from array import array
from bisect import bisect_right
from math import fsum, isnan
from typing import ClassVar

from engine.core.series.packed import AHEAD, NOTHING_LOST
from engine.core.values.bounds import AtLeast

SUM = 2


class Series:
    """The times of events, ascending, and what has been given up."""

    __slots__ = ("floor", "retention_ms", "times")
    kind: ClassVar[int]

    def __init__(self, retention_ms: int) -> None:
        self.times: list[int] = []
        self.floor = 0  # 0: nothing had to go yet
        self.retention_ms = retention_ms

    def after(self, now: int, until: int) -> list[int]:
        """The times in (now, until]."""
        times = self.times
        if not times or now >= times[-1]:
            return []
        return times[bisect_right(times, now) : bisect_right(times, until)]

    def horizon(self) -> int:
        """As `packed.horizon`."""
        times = self.times
        return times[-1 - AHEAD] - self.retention_ms if len(times) > AHEAD else NOTHING_LOST

    def retain(self, retention_ms: int) -> None:
        """Change the retention. What the old one had given up stays given up."""
        if retention_ms != self.retention_ms:
            self.trim()
            if retention_ms > self.retention_ms:
                self.floor = max(self.floor, self.horizon(), 0)
            self.retention_ms = retention_ms

    def trim(self) -> None:
        """Drop what no answer can depend on any more; answers stay the same."""
        times = self.times
        if times:
            horizon = self.horizon()
            if times[0] <= horizon:
                self._drop(bisect_right(times, horizon))
            if self.floor <= horizon:
                self.floor = 0

    def _drop(self, gone: int) -> None:
        del self.times[:gone]

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later; times before the new base are dropped."""
        kept = [time - by_ms for time in self.times if time >= by_ms]
        self._drop(len(self.times) - len(kept))
        self.times = kept
        self.floor = max(0, self.floor - by_ms)


class SumSeries(Series):
    """How much: an amount beside each time; NaN is one that could not be read.

    A full series merges its two oldest entries and keeps the older time, so no amount is lost and a
    stream of tiny amounts cannot push a large one out. A window that starts inside the merged span
    leaves the merged amount out: the sum is then a lower bound where no amount is negative, else unknown.
    """

    __slots__ = ("amounts",)
    kind: ClassVar[int] = SUM

    def __init__(self, retention_ms: int) -> None:
        super().__init__(retention_ms)
        self.amounts = array("d")

    def add_amount(self, now: int, amount: float, cap: int) -> None:
        """Enter one event with its amount (finite or NaN)."""
        times, amounts = self.times, self.amounts
        if not times or now >= times[-1]:
            times.append(now)
            amounts.append(amount)
        elif now > self.horizon():
            at = bisect_right(times, now)
            times.insert(at, now)
            amounts.insert(at, amount)
        else:
            return
        if len(times) > cap:
            self._make_room(cap)

    def total(self, now: int, over_ms: int) -> float | AtLeast | None:
        """The sum over (now - over_ms, now], or at least, where a part of it has been merged with what lies before.
        None when it reaches back behind what is kept. Where an amount could not be read: at least the others, if none
        of them is negative, else None."""
        times = self.times
        if not times:
            return 0.0
        start = now - over_ms
        if start < self.horizon():
            return None
        begin, end = bisect_right(times, start), len(times) if now >= times[-1] else bisect_right(times, now)
        total = fsum(self.amounts[begin:end])
        if isnan(total):  # somebody may have written it so: what else is there counts
            known = [amount for amount in self.amounts[begin:end] if not isnan(amount)]
            return AtLeast(fsum(known)) if known and min(known) >= 0 else None
        if start >= self.floor or not begin:
            return total
        return AtLeast(total) if all(amount >= 0 for amount in self.amounts) else None

    def _make_room(self, cap: int) -> None:
        self.trim()  # first, so that it does not matter when the record was saved last
        while len(self.times) > cap:
            self._evict()

    def _evict(self) -> None:
        self.floor = max(self.floor, self.times[1])
        self.amounts[0] += self.amounts[1]
        del self.times[1], self.amounts[1]

    def _drop(self, gone: int) -> None:
        del self.times[:gone], self.amounts[:gone]


SERIES_TYPES: dict[int, type[Series]] = {SUM: SumSeries}
SeriesByKey = dict[int, Series]
