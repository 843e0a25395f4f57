"""Entries taken out of series again: what a follow-up said is no longer so.

An entry is known by its time and its value, and two that are alike stand for each other. One that is not there has been
given up: then the series says "at least" of its time already, and what is certain stays certain.
"""

from bisect import bisect_left

from engine.core.series import counts, distincts
from engine.core.series.packed import Packed, bounds, drop, find, holds
from engine.core.series.windows import SeriesByKey, SumSeries


def remove_count(words: "Packed[int]", key: int, now: int) -> None:
    """Take one event at `now` out of the series `key`."""
    place = find(words, key)
    if holds(words, place, key):
        first, end = bounds(words, place, counts.LAYOUT)
        at = bisect_left(words, now, first, end)
        if at < end and words[at] == now:
            drop(words, place, at, at + 1)


def remove_distinct(words: "Packed[int]", key: int, now: int, value: int) -> None:
    """Take one event at `now` with its value's hash out of the series `key`."""
    place = find(words, key)
    if not holds(words, place, key):
        return
    first, end = bounds(words, place, distincts.LAYOUT)
    width = distincts.LAYOUT.width
    for at in range(first, end, width):
        if (words[at], words[at + 1]) == (now, value):
            drop(words, place, at, at + width)
            return


def remove_amount(series: SeriesByKey, key: int, now: int, amount: float) -> None:
    """Take one event at `now` with its amount out of the sum series `key`. Of what has been merged the amount is taken
    off."""
    sums = series.get(key)
    if not isinstance(sums, SumSeries):
        return
    for at in range(bisect_left(sums.times, now), len(sums.times)):
        if sums.times[at] != now:
            break
        if sums.amounts[at] == amount:
            del sums.times[at], sums.amounts[at]
            return
    if sums.times and now <= sums.floor:
        sums.amounts[0] -= amount
