"""All series of one kind of one entity, packed in one array: one read, one write, no objects in between.

The words for n series, in the order of their keys:

    n | n keys | n ends | n retentions_ms | n floors | further times | the entries of each series, one after another

A series' entries are ordered by time, which is the first word of each. They end at `ends[i]` words after the
first entry of all.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

Packed = array
"""An array of "I" or "Q"."""

KEY, END, RETENTION, FLOOR = 0, 1, 2, 3

AHEAD = 3
"""So many entries of a series may lie ahead of all others and give up nothing."""

NOTHING_LOST = -(1 << 62)


class Layout(NamedTuple):
    """How many columns there are before the entries, and how many words an entry has."""

    columns: int
    width: int


def find(words: "Packed[int]", key: int) -> int:
    """The place of a key, or where it would be."""
    return bisect_left(words, key, 1, 1 + words[0]) - 1


def holds(words: "Packed[int]", place: int, key: int) -> bool:
    """Whether the series at a place is that of a key."""
    return place < words[0] and words[1 + place] == key


def head(words: "Packed[int]", column: int, place: int) -> int:
    """Where a column's word of a series is."""
    return 1 + column * words[0] + place


def bounds(words: "Packed[int]", place: int, layout: Layout) -> tuple[int, int]:
    """Where the entries of a series begin and end."""
    total = words[0]
    base = 1 + layout.columns * total
    return (base + words[total + place] if place else base), base + words[1 + total + place]


def entries_between(words: "Packed[int]", key: int, after: int, until: int, layout: Layout) -> int:
    """How many entries the series of a key has with times in (after, until]."""
    place = find(words, key)
    if not holds(words, place, key):
        return 0
    first, end = bounds(words, place, layout)
    times = words[first : end : layout.width]
    return bisect_right(times, until) - bisect_right(times, after)


def begin(words: "Packed[int]", place: int, key: int, retention_ms: int, layout: Layout) -> None:
    """A new series, without entries."""
    total = words[0]
    values = {KEY: key, END: words[total + place] if place else 0, RETENTION: retention_ms}
    for column in reversed(range(layout.columns)):  # from behind: no column moves another
        words.insert(1 + column * total + place, values.get(column, 0))
    words[0] = total + 1


def finish(words: "Packed[int]", place: int, layout: Layout) -> None:
    """Remove a series."""
    first, end = bounds(words, place, layout)
    drop(words, place, first, end)
    total = words[0]
    for column in reversed(range(layout.columns)):
        del words[1 + column * total + place]
    words[0] = total - 1


def drop(words: "Packed[int]", place: int, start: int, stop: int) -> None:
    """Remove a series' words from `start` to `stop`."""
    del words[start:stop]
    move_ends(words, place, start - stop)


def move_ends(words: "Packed[int]", place: int, by: int) -> None:
    """A series has so many words more: those behind it begin later."""
    for at in range(head(words, END, place), head(words, RETENTION, 0)):
        words[at] += by


def horizon(words: "Packed[int]", place: int, layout: Layout) -> int:
    """The time up to which entries are as good as gone (may be negative): the retention, before the newest entry but
    AHEAD. So a few events that claim to lie far ahead take nothing away from the others."""
    first, end = bounds(words, place, layout)
    at = end - (1 + AHEAD) * layout.width
    return words[at] - words[head(words, RETENTION, place)] if at >= first else NOTHING_LOST


def lost_until(words: "Packed[int]", place: int, layout: Layout) -> int:
    """The newest time about which a series may have forgotten something (may be negative)."""
    floor = words[head(words, FLOOR, place)]
    reached = horizon(words, place, layout)
    return max(floor, reached) if floor else reached


def retain(words: "Packed[int]", place: int, retention_ms: int, layout: Layout) -> None:
    """Change the retention of a series that has been trimmed. What the old one had given up stays given up."""
    kept, floor = head(words, RETENTION, place), head(words, FLOOR, place)
    if retention_ms > words[kept]:
        words[floor] = max(words[floor], horizon(words, place, layout), 0)
    words[kept] = retention_ms


def opened(words: "Packed[int]", key: int, retention_ms: int, layout: Layout) -> int:
    """The place of the series `key`, which begins here if it is new, with this retention."""
    place = find(words, key)
    if not holds(words, place, key):
        begin(words, place, key, retention_ms, layout)
    elif words[head(words, RETENTION, place)] != retention_ms:
        trim_series(words, place, layout)
        retain(words, place, retention_ms, layout)
    return place


def doubt(words: "Packed[int]", key: int, now: int, retention_ms: int, layout: Layout) -> None:
    """Note that something at `now` may belong to the series `key`, or may not: of windows that contain it, a lower
    bound is known."""
    place = opened(words, key, retention_ms, layout)
    floor = head(words, FLOOR, place)
    words[floor] = max(words[floor], now)


def after(words: "Packed[int]", time: int, first: int, end: int, layout: Layout) -> int:
    """Where the first entry after `time` begins, among those from `first` to `end`."""
    return first + layout.width * bisect_right(words[first : end : layout.width], time)


def trim_series(words: "Packed[int]", place: int, layout: Layout) -> None:
    """Drop what no answer can depend on any more."""
    first, end = bounds(words, place, layout)
    if first < end:
        reached = horizon(words, place, layout)
        for column in range(FLOOR, layout.columns):
            at = head(words, column, place)
            if words[at] <= reached:
                words[at] = 0
        if words[first] <= reached:
            drop(words, place, first, after(words, reached, first, end, layout))


def trim(words: "Packed[int]", oldest: int, layout: Layout) -> int:
    """Trim all series, and drop those that nothing after `oldest` can ask. Returns the longest retention of those
    that are left, in ms."""
    longest, place = 0, 0
    while place < words[0]:
        trim_series(words, place, layout)
        first, end = bounds(words, place, layout)
        retention_ms = words[head(words, RETENTION, place)]
        newest = max(words[end - layout.width] if first < end else 0, words[head(words, FLOOR, place)])
        if not newest or newest + retention_ms < oldest:
            finish(words, place, layout)
        else:
            longest = max(longest, retention_ms)
            place += 1
    return longest


def shift(words: "Packed[int]", by_ms: int, layout: Layout) -> None:
    """Move to a base `by_ms` later; entries before the new base are dropped."""
    for place in range(words[0]):
        first, end = bounds(words, place, layout)
        drop(words, place, first, after(words, by_ms - 1, first, end, layout))
        for column in range(FLOOR, layout.columns):
            at = head(words, column, place)
            words[at] = max(0, words[at] - by_ms)
    for at in range(head(words, layout.columns, 0), len(words), layout.width):
        words[at] -= by_ms


def is_sound(words: "Packed[int]", layout: Layout) -> bool:
    """Whether words that come from elsewhere fill their room: compiled functions trust them."""
    total = words[0] if words else len(words)
    ends = words[1 + total : 1 + 2 * total] if words else words
    fills = len(words) == 1 + layout.columns * total + (ends[-1] if ends else 0)
    return fills and all(end % layout.width == 0 for end in ends) and list(ends) == sorted(ends)
