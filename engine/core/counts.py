"""All count series of one entity, packed in one array: one read, one write, no objects in between.

Its words, 32 bits each, for n series in the order of their keys:

    n | n keys | n ends | n retentions_ms | n floors | the times of the first series, of the second, …

A series' times are ascending; they end at `ends[i]`, counted from the first time of all. What windows and
floors mean is said in `windows.py`. `_kernel.pyx` has the same functions for a compiler; where it has not
been built, these serve (`kernel.py`).
"""

from array import array
from bisect import bisect_left, bisect_right

Counts = array
"""An array of "I"."""


def new_counts() -> "Counts[int]":
    """No series yet."""
    return array("I", (0,))


def add_count(words: "Counts[int]", key: int, now: int, cap: int, retention_ms: int) -> None:
    """Enter an event at `now` into the series `key`, which begins here if it is new."""
    total = words[0]
    place = bisect_left(words, key, 1, 1 + total) - 1
    if place == total or words[1 + place] != key:
        _begin(words, place, key, retention_ms)
        total += 1
    elif words[1 + 2 * total + place] != retention_ms:
        _retain(words, place, retention_ms)
    first, end = _bounds(words, place)
    if first == end or now >= words[end - 1]:
        words.insert(end, now)
    elif now > _lost_until(words, place):
        words.insert(bisect_right(words, now, first, end), now)
    else:
        return
    _move_ends(words, place, 1)
    if end + 1 - first > cap:
        _make_room(words, place, cap)


def read_count(words: "Counts[int] | None", key: int, now: int, over_ms: int, cap: int) -> int | None:
    """How many events of the series `key` lie in (now - over_ms, now]; None when that is no longer known, and
    without an array, which is how late events are decided."""
    if words is None:
        return None
    total = words[0]
    place = bisect_left(words, key, 1, 1 + total) - 1
    if place == total or words[1 + place] != key:
        return 0
    first, end = _bounds(words, place)
    start, floor = now - over_ms, words[1 + 3 * total + place]
    if first == end:
        return 0 if not floor or start >= floor else None
    newest = words[end - 1]
    found = end if now >= newest else bisect_right(words, now, first, end)
    found -= first if words[first] > start else bisect_right(words, start, first, end)
    if (start < newest - words[1 + 2 * total + place] or start < floor) and found < cap:
        return found if start >= _lost_until(words, place) else None
    return found


def read_counts(words: "Counts[int] | None", now: int, questions: "array[int]") -> list[int | None]:
    """Several counts at once; `questions` are keys, lengths of windows and caps, one after the other."""
    asked = iter(questions)
    return [read_count(words, key, now, over_ms, cap) for key, over_ms, cap in zip(asked, asked, asked, strict=True)]


def trim_counts(words: "Counts[int]", oldest: int) -> int:
    """Drop what no answer can depend on any more, and series that nothing after `oldest` can ask. Returns the
    longest retention of those that are left, in ms."""
    longest, place = 0, 0
    while place < words[0]:
        _trim(words, place)
        first, end = _bounds(words, place)
        retention_ms = words[1 + 2 * words[0] + place]
        if first == end or words[end - 1] + retention_ms < oldest:
            _finish(words, place)
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


def shift_counts(words: "Counts[int]", by_ms: int) -> None:
    """Move to a base `by_ms` later; times before the new base are dropped."""
    total = words[0]
    for place in range(total):
        first, end = _bounds(words, place)
        _drop(words, place, bisect_left(words, by_ms, first, end) - first)
        floor = 1 + 3 * total + place
        words[floor] = max(0, words[floor] - by_ms)
    for at in range(1 + 4 * total, len(words)):
        words[at] -= by_ms


def times_between(words: "Counts[int]", after: int, until: int) -> list[int]:
    """The times in (after, until] of all series."""
    found: list[int] = []
    for place in range(words[0]):
        first, end = _bounds(words, place)
        if first < end and words[end - 1] > after:
            found += words[bisect_right(words, after, first, end) : bisect_right(words, until, first, end)]
    return found


def times_by_key(words: "Counts[int]") -> dict[int, list[int]]:
    """The times of each series."""
    return {words[1 + place]: words[slice(*_bounds(words, place))].tolist() for place in range(words[0])}


def _bounds(words: "Counts[int]", place: int) -> tuple[int, int]:
    total = words[0]
    base = 1 + 4 * total
    return (base + words[total + place] if place else base), base + words[1 + total + place]


def _lost_until(words: "Counts[int]", place: int) -> int:
    """The newest time about which a series may have forgotten something (may be negative)."""
    total = words[0]
    first, end = _bounds(words, place)
    horizon = words[end - 1] - words[1 + 2 * total + place] if first < end else -1
    floor = words[1 + 3 * total + place]
    return max(floor, horizon) if floor else horizon


def _begin(words: "Counts[int]", place: int, key: int, retention_ms: int) -> None:
    total = words[0]
    end = words[total + place] if place else 0
    for column, value in ((3, 0), (2, retention_ms), (1, end), (0, key)):  # from behind: no column moves another
        words.insert(1 + column * total + place, value)
    words[0] = total + 1


def _finish(words: "Counts[int]", place: int) -> None:
    first, end = _bounds(words, place)
    _drop(words, place, end - first)
    total = words[0]
    for column in (3, 2, 1, 0):
        del words[1 + column * total + place]
    words[0] = total - 1


def _retain(words: "Counts[int]", place: int, retention_ms: int) -> None:
    """Change the retention. What the old one had given up stays given up."""
    _trim(words, place)
    total = words[0]
    kept, floor = 1 + 2 * total + place, 1 + 3 * total + place
    first, end = _bounds(words, place)
    if first < end and retention_ms > words[kept]:
        words[floor] = max(words[floor], words[end - 1] - words[kept], 0)
    words[kept] = retention_ms


def _make_room(words: "Counts[int]", place: int, cap: int) -> None:
    _trim(words, place)  # first, so that it does not matter when the record was saved last
    first, end = _bounds(words, place)
    gone = end - first - cap
    if gone > 0:
        floor = 1 + 3 * words[0] + place
        words[floor] = max(words[floor], words[first + gone - 1])
        _drop(words, place, gone)


def _trim(words: "Counts[int]", place: int) -> None:
    total = words[0]
    first, end = _bounds(words, place)
    if first < end:
        horizon = words[end - 1] - words[1 + 2 * total + place]
        floor = 1 + 3 * total + place
        if words[floor] <= horizon:
            words[floor] = 0
        if words[first] <= horizon:
            _drop(words, place, bisect_right(words, horizon, first, end) - first)


def _drop(words: "Counts[int]", place: int, gone: int) -> None:
    first, _ = _bounds(words, place)
    del words[first : first + gone]
    _move_ends(words, place, -gone)


def _move_ends(words: "Counts[int]", place: int, by: int) -> None:
    total = words[0]
    for at in range(1 + total + place, 1 + 2 * total):
        words[at] += by
