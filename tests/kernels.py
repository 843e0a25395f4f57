"""What counts: in Python, and compiled where that has been built. One series at a time, for tests of windows."""

from contextlib import suppress
from importlib import import_module
from typing import Any

from engine.core.series import counts, distincts, packing, recent
from engine.core.series.counts import LAYOUT, new_counts
from engine.core.series.distincts import LAYOUT as DISTINCT_LAYOUT
from engine.core.series.distincts import new_distincts
from engine.core.series.packed import Packed, bounds
from engine.core.values import shapes
from engine.core.values.bounds import AtLeast


class PythonKernel:
    """The functions that serve where no compiler is at hand."""

    add_count = staticmethod(counts.add_count)
    read_count = staticmethod(counts.read_count)
    read_counts = staticmethod(counts.read_counts)
    read_count_at = staticmethod(counts.read_count_at)
    times_between = staticmethod(counts.times_between)
    count_lost_until = staticmethod(counts.count_lost_until)
    count_entries = staticmethod(counts.count_entries)
    trim_counts = staticmethod(counts.trim_counts)
    add_distinct = staticmethod(distincts.add_distinct)
    read_distinct = staticmethod(distincts.read_distinct)
    read_distinct_at = staticmethod(distincts.read_distinct_at)
    first_time = staticmethod(distincts.first_time)
    distinct_times_between = staticmethod(distincts.distinct_times_between)
    distinct_lost_until = staticmethod(distincts.distinct_lost_until)
    distinct_entries = staticmethod(distincts.distinct_entries)
    trim_distincts = staticmethod(distincts.trim_distincts)
    remember = staticmethod(recent.remember)
    pack_note = staticmethod(packing.pack_note)
    is_usual = staticmethod(shapes.is_usual)


KERNELS: list[Any] = [PythonKernel]
with suppress(ImportError):
    KERNELS.append(import_module("engine.core._kernel"))

_KEY = 7


def times_by_key(words: "Packed[int]") -> dict[int, list[int]]:
    """The times of each series."""
    return {words[1 + place]: words[slice(*bounds(words, place, LAYOUT))].tolist() for place in range(words[0])}


def entries_by_key(words: "Packed[int]") -> dict[int, list[tuple[int, int]]]:
    """The times and hashes of each series."""
    entries = {}
    for place in range(words[0]):
        first, end = bounds(words, place, DISTINCT_LAYOUT)
        entries[words[1 + place]] = list(zip(words[first:end:2], words[first + 1 : end : 2], strict=True))
    return entries


class CountSeries:
    """One series that only counts."""

    def __init__(self, kernel: Any, retention_ms: int) -> None:
        self._kernel, self._retention_ms = kernel, retention_ms
        self.words = new_counts()

    def retain(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms

    def add(self, now: int, cap: int) -> None:
        self._kernel.add_count(self.words, _KEY, now, cap, self._retention_ms)

    def count(self, now: int, over_ms: int) -> int | AtLeast | None:
        found: int | None = self._kernel.read_count(self.words, _KEY, now, over_ms)
        return found

    def trim(self) -> None:
        self._kernel.trim_counts(self.words, 0)

    @property
    def times(self) -> list[int]:
        return times_by_key(self.words).get(_KEY, [])


class DistinctSeries:
    """One series of distinct values."""

    def __init__(self, kernel: Any, retention_ms: int) -> None:
        self._kernel, self._retention_ms = kernel, retention_ms
        self.words = new_distincts()

    def add_value(self, now: int, value: int, cap: int) -> None:
        self._kernel.add_distinct(self.words, _KEY, now, value, cap, self._retention_ms)

    def distinct(self, now: int, over_ms: int) -> int | AtLeast | None:
        found: int | None = self._kernel.read_distinct(self.words, _KEY, now, over_ms)
        return found

    def trim(self) -> None:
        self._kernel.trim_distincts(self.words, 0)

    @property
    def times(self) -> list[int]:
        return [time for time, _ in entries_by_key(self.words).get(_KEY, [])]
