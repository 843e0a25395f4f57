"""The series of one entity: what the functions generated from a rulebook read and write."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.core.series import counts, distincts
from engine.core.series.counts import new_counts
from engine.core.series.distincts import new_distincts
from engine.core.series.packed import Packed, shift
from engine.core.series.remembered import Known, Registers
from engine.core.series.windows import SeriesByKey, SumSeries
from engine.core.values.bounds import AtLeast

_NO_COUNTS, _NO_DISTINCTS = new_counts(), new_distincts()
_NOTHING: Mapping[str, Known | AtLeast | None] = MappingProxyType({})


class EntitySeries:
    """All series of an entity: those of counts and of distinct values, packed, and the others by their keys.
    `registers`: what it remembers; `recalled`: what that was just before the event at hand, and what counters were that
    leave it out, by name."""

    __slots__ = ("counts", "distincts", "others", "recalled", "registers")

    def __init__(self) -> None:
        self.counts: Packed[int] = _NO_COUNTS[:]
        self.distincts: Packed[int] = _NO_DISTINCTS[:]
        self.others: SeriesByKey = {}
        self.registers: Registers = {}
        self.recalled: Mapping[str, Known | AtLeast | None] = _NOTHING

    def __bool__(self) -> bool:
        return self.counts[0] > 0 or self.distincts[0] > 0 or bool(self.others) or bool(self.registers)

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later."""
        shift(self.counts, by_ms, counts.LAYOUT)
        shift(self.distincts, by_ms, distincts.LAYOUT)
        for series in self.others.values():
            series.shift(by_ms)
        for register in self.registers.values():
            register.shift(by_ms)


UNKNOWN = EntitySeries()
"""What late events are decided with: nothing is known there."""
UNKNOWN.counts = UNKNOWN.distincts = UNKNOWN.others = None  # type: ignore[assignment]  # the reading functions take None as unknown


def trim_others(all_series: SeriesByKey, oldest: int) -> int:
    """Drop what no answer can depend on any more, as `trim_counts`. Returns the longest retention of what is left."""
    longest = 0
    for key, series in list(all_series.items()):
        series.trim()
        newest = max(series.times[-1] if series.times else 0, series.floor)
        if not newest or newest + series.retention_ms < oldest:
            del all_series[key]
        else:
            longest = max(longest, series.retention_ms)
    return longest


def add_amount(series: SeriesByKey, key: int, now: int, amount: float, cap: int, retention_ms: int) -> None:
    """Enter an event and its amount into the sum series `key`."""
    sums = series.get(key)
    if not isinstance(sums, SumSeries):
        sums = series[key] = SumSeries(retention_ms)
    sums.retain(retention_ms)
    sums.add_amount(now, amount, cap)


def read_total(series: SeriesByKey | None, key: int, now: int, over_ms: int, cap: int) -> float | AtLeast | None:
    """A sum, or a bound; None (unknown) without series. `cap` only bounds memory here."""
    if series is None:
        return None
    sums = series.get(key)
    return sums.total(now, over_ms) if isinstance(sums, SumSeries) else 0.0
