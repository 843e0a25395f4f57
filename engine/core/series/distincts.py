"""Distinct series: the times of events and 64-bit hashes of their values, packed (`packed.py`) in 64-bit words.

An entry is a time and a hash. A full series first gives up entries whose value occurs again later: an answer
at or after the newest event never needs them, so repeating one value cannot push the others out. Answers for
late events might: the fifth column, `exact_from`, is the time before which they are unknown.

`_kernel.pyx` has the first functions for a compiler.
"""

from array import array
from bisect import bisect_right
from collections import Counter

from engine.core.series.packed import (
    FLOOR,
    Layout,
    Packed,
    bounds,
    doubt,
    drop,
    entries_between,
    find,
    head,
    holds,
    horizon,
    lost_until,
    move_ends,
    opened,
    trim,
    trim_series,
)
from engine.core.values.bounds import AtLeast, at_least

LAYOUT = Layout(columns=5, width=2)
EXACT_FROM = 4


def new_distincts() -> "Packed[int]":
    """No series yet."""
    return array("Q", (0,))


def add_distinct(words: "Packed[int]", key: int, now: int, value: int, cap: int, retention_ms: int) -> None:
    """Enter an event at `now` with its value's hash into the series `key`, which begins here if it is new."""
    place = opened(words, key, retention_ms, LAYOUT)
    first, end = bounds(words, place, LAYOUT)
    at = end
    if first < end and now < words[end - 2]:
        if now <= horizon(words, place, LAYOUT):
            return
        at = first + 2 * bisect_right(words[first:end:2], now)
    words[at:at] = array("Q", (now, value))
    move_ends(words, place, 2)
    if (end + 2 - first) // 2 > cap:
        _make_room(words, place, cap)


def doubt_distinct(words: "Packed[int]", key: int, now: int, retention_ms: int) -> None:
    """As `packed.doubt`."""
    doubt(words, key, now, retention_ms, LAYOUT)


def read_distinct(words: "Packed[int] | None", key: int, now: int, over_ms: int) -> int | AtLeast | None:
    """How many distinct values of the series `key` lie in (now - over_ms, now], or at least, where some of them have
    been given up; None without an array, and when nothing is known."""
    if words is None:
        return None
    place = find(words, key)
    if not holds(words, place, key):
        return 0
    first, end = bounds(words, place, LAYOUT)
    start, lost = now - over_ms, lost_until(words, place, LAYOUT)
    times = words[first:end:2]
    known_from = max(start, horizon(words, place, LAYOUT))  # entries before that may be there still, or not
    count = len(set(words[first + 1 : end : 2][bisect_right(times, known_from) : bisect_right(times, now)]))
    is_exact = start >= lost and now >= words[head(words, EXACT_FROM, place)]
    return count if is_exact else at_least(count)


def read_distinct_at(words: "Packed[int]", key: int, times: list[int], over_ms: int) -> list[int | AtLeast | None]:
    """As `read_distinct`, at several times in ascending order."""
    return [read_distinct(words, key, now, over_ms) for now in times]


def distinct_lost_until(words: "Packed[int]", key: int) -> int | None:
    """As `packed.lost_until`; None where there is no such series."""
    place = find(words, key)
    return lost_until(words, place, LAYOUT) if holds(words, place, key) else None


def remove_distinct(words: "Packed[int]", key: int, value: int) -> bool:
    """Take the newest entry with a value's hash out of the series `key`; whether there was one."""
    place = find(words, key)
    if not holds(words, place, key):
        return False
    trim_series(words, place, LAYOUT)  # as in `_make_room`
    first, end = bounds(words, place, LAYOUT)
    at = next((at for at in range(end - 2, first - 1, -2) if words[at + 1] == value), None)
    if at is None:
        return False
    floor = head(words, FLOOR, place)
    words[floor] = max(words[floor], horizon(words, place, LAYOUT), 0)  # what is given up by then stays so
    drop(words, place, at, at + 2)
    return True


def trim_distincts(words: "Packed[int]", oldest: int) -> int:
    """As `packed.trim`."""
    return trim(words, oldest, LAYOUT)


def distinct_entries(words: "Packed[int]", key: int, after: int, until: int) -> int:
    """As `packed.entries_between`: no answer about a part of that time is larger."""
    return entries_between(words, key, after, until, LAYOUT)


def distinct_times_between(words: "Packed[int]", after: int, until: int) -> list[int]:
    """The times in (after, until] of all series."""
    times: list[int] = []
    for place in range(words[0]):
        first, end = bounds(words, place, LAYOUT)
        if first < end and words[end - 2] > after:
            entered = words[first:end:2]
            times += entered[bisect_right(entered, after) : bisect_right(entered, until)]
    return times


def first_time(words: "Packed[int]", key: int, value: int, start: int, until: int) -> int | None:
    """When a value first occurred in (start, until] of the series `key`."""
    place = find(words, key)
    if not holds(words, place, key):
        return None
    first, end = bounds(words, place, LAYOUT)
    return next(
        (words[at] for at in range(first, end, 2) if start < words[at] <= until and words[at + 1] == value), None
    )


def _make_room(words: "Packed[int]", place: int, cap: int) -> None:
    trim_series(words, place, LAYOUT)  # first, so that it does not matter when the record was saved last
    first, end = bounds(words, place, LAYOUT)
    while (end - first) // 2 > cap:
        hashes = words[first + 1 : end : 2]
        occurrences = Counter(hashes)
        if len(occurrences) == len(hashes):
            gone, column, time = 0, FLOOR, words[first]
        else:
            gone = next(index for index, value in enumerate(hashes) if occurrences[value] > 1)
            column, time = EXACT_FROM, words[first + 2 * hashes.index(hashes[gone], gone + 1)]
        at = head(words, column, place)
        words[at] = max(words[at], time)
        drop(words, place, first + 2 * gone, first + 2 * gone + 2)
        end -= 2
