"""Count series: the times of events, packed (`packed.py`) in words of 32 bits.

What windows and floors mean is said in `windows.py`. `_kernel.pyx` has the same functions for a compiler;
where it has not been built, these serve (`kernel.py`).
"""

from array import array
from bisect import bisect_right

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

LAYOUT = Layout(columns=4, width=1)


def new_counts() -> "Packed[int]":
    """No series yet."""
    return array("I", (0,))


def add_count(words: "Packed[int]", key: int, now: int, cap: int, retention_ms: int) -> None:
    """Enter an event at `now` into the series `key`, which begins here if it is new."""
    place = opened(words, key, retention_ms, LAYOUT)
    first, end = bounds(words, place, LAYOUT)
    if first == end or now >= words[end - 1]:
        words.insert(end, now)
    elif now > horizon(words, place, LAYOUT):
        words.insert(bisect_right(words, now, first, end), now)
    else:
        return
    move_ends(words, place, 1)
    if end + 1 - first > cap:
        _make_room(words, place, cap)


def doubt_count(words: "Packed[int]", key: int, now: int, retention_ms: int) -> None:
    """As `packed.doubt`."""
    doubt(words, key, now, retention_ms, LAYOUT)


def read_count(words: "Packed[int] | None", key: int, now: int, over_ms: int) -> int | AtLeast | None:
    """How many events of the series `key` lie in (now - over_ms, now], or at least, where some of them have been given
    up; None without an array, and when nothing is known."""
    if words is None:
        return None
    place = find(words, key)
    if not holds(words, place, key):
        return 0
    first, end = bounds(words, place, LAYOUT)
    start, lost = now - over_ms, lost_until(words, place, LAYOUT)
    known_from = max(start, horizon(words, place, LAYOUT))  # entries before that may be there still, or not
    count = bisect_right(words, now, first, end) - bisect_right(words, known_from, first, end)
    return count if start >= lost else at_least(count)


def read_counts(words: "Packed[int] | None", now: int, questions: "array[int]") -> list[int | AtLeast | None]:
    """Several counts at once; `questions` are keys and lengths of windows, one after the other."""
    asked = iter(questions)
    return [read_count(words, key, now, over_ms) for key, over_ms in zip(asked, asked, strict=True)]


def read_count_at(words: "Packed[int]", key: int, times: list[int], over_ms: int) -> list[int | AtLeast | None]:
    """As `read_count`, at several times in ascending order."""
    return [read_count(words, key, now, over_ms) for now in times]


def count_lost_until(words: "Packed[int]", key: int) -> int | None:
    """As `packed.lost_until`; None where there is no such series."""
    place = find(words, key)
    return lost_until(words, place, LAYOUT) if holds(words, place, key) else None


def trim_counts(words: "Packed[int]", oldest: int) -> int:
    """As `packed.trim`."""
    return trim(words, oldest, LAYOUT)


def count_entries(words: "Packed[int]", key: int, after: int, until: int) -> int:
    """As `packed.entries_between`: no answer about a part of that time is larger."""
    return entries_between(words, key, after, until, LAYOUT)


def times_between(words: "Packed[int]", after: int, until: int) -> list[int]:
    """The times in (after, until] of all series."""
    times: list[int] = []
    for place in range(words[0]):
        first, end = bounds(words, place, LAYOUT)
        if first < end and words[end - 1] > after:
            times += words[bisect_right(words, after, first, end) : bisect_right(words, until, first, end)]
    return times


def _make_room(words: "Packed[int]", place: int, cap: int) -> None:
    trim_series(words, place, LAYOUT)  # first, so that it does not matter when the record was saved last
    first, end = bounds(words, place, LAYOUT)
    gone = end - first - cap
    if gone > 0:
        floor = head(words, FLOOR, place)
        words[floor] = max(words[floor], words[first + gone - 1])
        drop(words, place, first, first + gone)
