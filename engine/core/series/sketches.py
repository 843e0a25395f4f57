"""Windows over entities that are too busy for exact ones (`approx: true`): bounded, with a known error.

- `BucketSeries` adds up counts and amounts in buckets of a sixtieth of the window. A window is answered from
  the buckets that lie wholly in it and from the newest one: it reaches back between 59/60 and the whole of
  its length.
- `SampledSeries` counts distinct values by adaptive sampling (Wegman; Flajolet, "On adaptive sampling", 1990):
  it keeps a value if its hash begins with `level` zero bits, with the last time that it was seen, and goes one
  level up when that is more than it may hold, one down when it is much less. Each value that was kept stands
  for 2^level: exact while the level has been 0, beyond that with a standard error of 1.2 / sqrt(cap) on
  average, 3.8 % at the cap of 1,000, and unknown when fewer than MIN_SAMPLE of a sample lie in the window.
  Unlike a HyperLogLog, it slides.

Events that come late are counted where they belong; a value that is seen again moves to its newer time.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from math import nan
from typing import ClassVar

import numpy as np

from engine.core.series.windows import SERIES_TYPES, Series, SeriesByKey, SumSeries
from engine.core.values.bounds import AtLeast, at_least

BUCKETS, SAMPLED = 3, 4
BUCKETS_PER_WINDOW = 60
MIN_SAMPLE = 32
_DOUBTS = 0x80000000
"""What the key of the series of doubts differs by."""

_LEVEL_BITS = 6
_LEVELS = (1 << _LEVEL_BITS) - 1
_LEVEL_MASK, _ONE = np.uint64(_LEVELS), np.uint64(1)


class BucketSeries(SumSeries):
    """Amounts by bucket: `times` are the buckets' beginnings, and a window has those that begin in it."""

    __slots__ = ()
    kind: ClassVar[int] = BUCKETS

    def whole(self, now: int, over_ms: int) -> float | None:
        """The sum over a window: buckets are never merged, so there is no bound."""
        total = self.total(now, over_ms)
        return total if type(total) is float else None

    def put(self, now: int, amount: float, width_ms: int) -> None:
        """Add to the bucket of `now`."""
        times, start = self.times, now - now % width_ms
        at = bisect_right(times, start)
        if at and times[at - 1] == start:
            self.amounts[at - 1] += amount
        elif not times or start > self.horizon():
            times.insert(at, start)
            self.amounts.insert(at, amount)
        if times[0] <= self.horizon() - width_ms:
            self.trim()


class SampledSeries(Series):
    """A sample of the distinct values, each with its last time. `floor` holds the level; the lowest bits of
    each kept hash hold the level at which it was kept, so that each stands for as many as it should."""

    __slots__ = ("hashes", "occurrences")
    kind: ClassVar[int] = SAMPLED

    def __init__(self, retention_ms: int) -> None:
        super().__init__(retention_ms)
        self.hashes = array("Q")
        self.occurrences: Counter[int] | None = None  # of each value, without its level

    def lost_until(self) -> int:
        """Nothing is lost within the retention: the level is no time."""
        return self.times[-1] - self.retention_ms if self.times else -1

    def put(self, now: int, value: int, cap: int) -> None:
        """Enter a value, if it belongs to the sample."""
        if self.times and now > self.times[-1]:
            self._drop(bisect_right(self.times, now - self.retention_ms))
        if self.floor and len(self.times) < cap // 4:
            self.floor = self.floor - 1 if self.times else 0
        if not _passes(value, self.floor) or (self.times and now <= self.lost_until()):
            return
        if self.occurrences is None:
            self.occurrences = Counter(kept >> _LEVEL_BITS for kept in self.hashes)
        identity = value >> _LEVEL_BITS
        if identity in self.occurrences:
            before = next(index for index, kept in enumerate(self.hashes) if kept >> _LEVEL_BITS == identity)
            if self.times[before] >= now:
                return
            del self.times[before], self.hashes[before]
        self.occurrences[identity] = 1
        at = bisect_right(self.times, now)
        self.times.insert(at, now)
        self.hashes.insert(at, identity << _LEVEL_BITS | self.floor)
        while len(self.times) > cap:
            self._rise()

    def estimate(self, now: int, over_ms: int, least: int = MIN_SAMPLE) -> int | None:
        """About how many distinct values were last seen in (now - over, now]; None when less than `least` of a sample
        is left to tell."""
        times = self.times
        if not times:
            return 0
        start = now - over_ms
        if start < self.lost_until():
            return None
        kept = np.frombuffer(self.hashes, dtype=np.uint64)[bisect_right(times, start) : bisect_right(times, now)]
        levels = kept & _LEVEL_MASK
        if (self.floor or levels.any()) and len(levels) < least:
            return None
        return int(np.left_shift(_ONE, levels).sum())

    def trim(self) -> None:
        """Drop what is older than the retention."""
        times = self.times
        if times and times[0] <= self.lost_until():
            self._drop(bisect_right(times, self.lost_until()))

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later; the level stays."""
        level = self.floor
        super().shift(by_ms)
        self.floor = level

    def _drop(self, gone: int) -> None:
        if gone:
            self.occurrences = None
            del self.times[:gone], self.hashes[:gone]

    def _rise(self) -> None:
        self.floor += 1
        kept = [
            (time, value & ~_LEVELS | max(value & _LEVELS, self.floor))
            for time, value in zip(self.times, self.hashes, strict=True)
            if _passes(value, self.floor)
        ]
        self.times, self.hashes = [time for time, _ in kept], array("Q", [value for _, value in kept])
        self.occurrences = None


def _passes(value: int, level: int) -> bool:
    """Whether a hash belongs to the sample: its highest `level` bits are zero."""
    return not level or value >> (64 - level) == 0


def add_approx_count(series: SeriesByKey, key: int, now: int, width_ms: int, retention_ms: int) -> None:
    """Enter an event into the bucket series `key`."""
    add_approx_amount(series, key, now, 1.0, width_ms, retention_ms)


def add_approx_amount(series: SeriesByKey, key: int, now: int, amount: float, width_ms: int, retention_ms: int) -> None:
    """Enter an amount into the bucket series `key`."""
    buckets = series.get(key)
    if not isinstance(buckets, BucketSeries):
        buckets = series[key] = BucketSeries(retention_ms)
    buckets.put(now, amount, width_ms)


def add_approx_distinct(series: SeriesByKey, key: int, now: int, value: int, cap: int, retention_ms: int) -> None:
    """Enter a value's hash into the sampled series `key`."""
    sample = series.get(key)
    if not isinstance(sample, SampledSeries):
        sample = series[key] = SampledSeries(retention_ms)
    sample.put(now, value, cap)


def doubt_approx(series: SeriesByKey, key: int, now: int, retention_ms: int) -> None:
    """Note, beside a series of these, that something at `now` may belong to it, or may not."""
    beside = key ^ _DOUBTS
    doubts = series.get(beside)
    if not isinstance(doubts, SumSeries):
        doubts = series[beside] = SumSeries(retention_ms)
    doubts.add_amount(now, nan, 2)  # the first and the last of them


def _in_doubt(series: SeriesByKey, key: int, now: int, over_ms: int) -> bool:
    doubts = series.get(key ^ _DOUBTS)
    return isinstance(doubts, SumSeries) and doubts.total(now, over_ms) is None


def read_approx_count(
    series: SeriesByKey | None, key: int, now: int, over_ms: int, width_ms: int
) -> int | AtLeast | None:
    """A count, as `series.read_count`."""
    total = read_approx_total(series, key, now, over_ms, width_ms)
    if isinstance(total, AtLeast):
        return at_least(int(total.least))
    return None if total is None else int(total)


def read_approx_total(
    series: SeriesByKey | None, key: int, now: int, over_ms: int, width_ms: int
) -> float | AtLeast | None:
    """A sum, as `series.read_total`."""
    if series is None:
        return None
    buckets = series.get(key)
    total = buckets.whole(now, over_ms) if isinstance(buckets, BucketSeries) else 0.0
    if total is None or not _in_doubt(series, key, now, over_ms):
        return total
    return AtLeast(total) if isinstance(buckets, BucketSeries) and total > 0 and min(buckets.amounts) >= 0 else None


def read_approx_distinct(
    series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int
) -> int | AtLeast | None:
    """A distinct count, as `series.read_distinct`."""
    if series is None:
        return None
    sample = series.get(key)
    count = sample.estimate(now, over_ms) if isinstance(sample, SampledSeries) else 0
    return at_least(count) if count is not None and _in_doubt(series, key, now, over_ms) else count


SERIES_TYPES[BUCKETS] = BucketSeries
SERIES_TYPES[SAMPLED] = SampledSeries
