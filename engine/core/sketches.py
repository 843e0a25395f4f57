"""Windows over entities that are too busy for exact ones (`approx: true`): bounded, with a known error.

- `BucketSeries` adds up counts and amounts in buckets of a sixtieth of the window. A window is answered from
  the buckets that lie wholly in it and from the newest one: it reaches back between 59/60 and the whole of
  its length.
- `SampledSeries` counts distinct values by adaptive sampling (Wegman; Flajolet, "On adaptive sampling", 1990):
  it keeps a value if its hash ends in `level` zero bits, with the last time that it was seen, and goes one
  level up when that is more than it may hold. The answer is the number of kept values in the window times
  2^level: exact at level 0, beyond that with a standard error of 1.2 / sqrt(cap), 3.8 % at the cap of 1,000.
  Unlike a HyperLogLog, it slides: one sample answers for every window.

Events that come late are counted where they belong; a value that is seen again moves to its newer time.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from math import fsum
from typing import ClassVar

from engine.core.windows import SERIES_TYPES, DistinctSeries, SeriesByKey, SumSeries

BUCKETS, SAMPLED = 3, 4
BUCKETS_PER_WINDOW = 60


class BucketSeries(SumSeries):
    """Amounts by bucket: `times` are the buckets' beginnings."""

    __slots__ = ()
    kind: ClassVar[int] = BUCKETS

    def put(self, now: int, amount: float, width_ms: int) -> None:
        """Add to the bucket of `now`."""
        times, start = self.times, now - now % width_ms
        at = bisect_right(times, start)
        if at and times[at - 1] == start:
            self.amounts[at - 1] += amount
        elif not times or start > times[-1] - self.retention_ms:
            times.insert(at, start)
            self.amounts.insert(at, amount)
        if times[0] <= times[-1] - self.retention_ms - width_ms:
            self.trim()

    def sum(self, now: int, over_ms: int) -> float | None:
        """The sum over the buckets that begin in (now - over, now]."""
        times = self.times
        if not times:
            return 0.0
        start = now - over_ms
        if start < times[-1] - self.retention_ms:
            return None
        begin = bisect_right(times, start)
        return fsum(self.amounts[begin : bisect_right(times, now)])


class SampledSeries(DistinctSeries):
    """A sample of the distinct values, each with its last time. `floor` holds the level."""

    __slots__ = ()
    kind: ClassVar[int] = SAMPLED

    def lost_until(self) -> int:
        """Nothing is lost within the retention: the level is no time."""
        return self.times[-1] - self.retention_ms if self.times else -1

    def put(self, now: int, value: int, cap: int) -> None:
        """Enter a value, if it belongs to the sample."""
        if self.times and now > self.times[-1] + self.retention_ms:
            self._drop(len(self.times))  # all of it is over: begin anew, exactly
            self.floor = 0
        times, hashes = self.times, self.hashes
        if value & ((1 << self.floor) - 1) or (times and now <= self.lost_until()):
            return
        if self.occurrences is None:
            self.occurrences = Counter(hashes)
        if value in self.occurrences:
            before = hashes.index(value)
            if times[before] >= now:
                return
            del times[before], hashes[before]
        self.occurrences[value] = 1
        at = bisect_right(times, now)
        times.insert(at, now)
        hashes.insert(at, value)
        if len(times) > cap:
            self.trim()
            while len(self.times) > cap:
                self._rise()

    def estimate(self, now: int, over_ms: int) -> int | None:
        """About how many distinct values were last seen in (now - over, now]."""
        times = self.times
        if not times:
            return 0
        start = now - over_ms
        if start < self.lost_until():
            return None
        return (bisect_right(times, now) - bisect_right(times, start)) << self.floor

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

    def _rise(self) -> None:
        self.floor += 1
        kept = [(time, value) for time, value in zip(self.times, self.hashes, strict=True)
                if not value & ((1 << self.floor) - 1)]  # fmt: skip
        self.times, self.hashes = array("I", [time for time, _ in kept]), array("Q", [value for _, value in kept])
        self.occurrences = None


def add_approx_count(series: SeriesByKey, key: int, now: int, width_ms: int, retention_ms: int) -> None:
    """Enter an event into the bucket series `key`."""
    add_approx_amount(series, key, now, 1.0, width_ms, retention_ms)


def add_approx_amount(series: SeriesByKey, key: int, now: int, amount: float, width_ms: int, retention_ms: int) -> None:
    """Enter an amount into the bucket series `key`."""
    found = series.get(key)
    if not isinstance(found, BucketSeries):
        found = series[key] = BucketSeries(retention_ms)
    found.put(now, amount, width_ms)


def add_approx_distinct(series: SeriesByKey, key: int, now: int, value: int, cap: int, retention_ms: int) -> None:
    """Enter a value's hash into the sampled series `key`."""
    found = series.get(key)
    if not isinstance(found, SampledSeries):
        found = series[key] = SampledSeries(retention_ms)
    found.put(now, value, cap)


def read_approx_count(series: SeriesByKey | None, key: int, now: int, over_ms: int, width_ms: int) -> int | None:
    """A count, as `windows.read_count`."""
    found = read_approx_total(series, key, now, over_ms, width_ms)
    return None if found is None else int(found)


def read_approx_total(series: SeriesByKey | None, key: int, now: int, over_ms: int, width_ms: int) -> float | None:
    """A sum, as `windows.read_total`."""
    if series is None:
        return None
    found = series.get(key)
    return found.sum(now, over_ms) if isinstance(found, BucketSeries) else 0.0


def read_approx_distinct(series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int) -> int | None:
    """A distinct count, as `windows.read_distinct`."""
    if series is None:
        return None
    found = series.get(key)
    return found.estimate(now, over_ms) if isinstance(found, SampledSeries) else 0


SERIES_TYPES[BUCKETS] = BucketSeries
SERIES_TYPES[SAMPLED] = SampledSeries
