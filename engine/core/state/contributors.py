"""Who came before the threshold: notes at an entity, for one rule that looks back.

A note stands for an event that the rule would have acted on, had the entity's counters been high enough.
A crossing is a moment at which they were. A note is released once a crossing comes no later than the
lookback after it, whichever of the two arrives first: what is released in the end is the same in any
order of arrival.
"""

import struct
from bisect import bisect_left, bisect_right
from collections import Counter
from typing import NamedTuple

from engine.core.kernel import pack_note
from engine.core.series.packing import NOTE

MAX_NOTES = 500
"""So many of those who came before can be acted on at one crossing. Of more, the oldest of the user who has the most is
forgotten: what one account sends does not make those safe who came before it."""

MAX_SPANS = 16
_HEAD = struct.Struct("<IHH")
_SPAN = struct.Struct("<II")
_NOTE_WITHOUT_CONTENT = struct.Struct("<IIHHHH")
"""As notes were written before version 4 of an entity's record."""


class Contributor(NamedTuple):
    """An earlier event. `time`: on the record's own scale; `user_partition`: where its user is; `content`: as the
    event's."""

    time: int
    event_id: str
    type: str
    user_id: str
    target_id: str
    user_partition: int
    content: int = 0


class Contributors:
    """The notes of one rule at one entity, by time, and the spans of time that crossings reach back over."""

    __slots__ = ("_by_user", "_packed", "lookback_ms", "notes", "spans")

    def __init__(self, lookback_ms: int) -> None:
        self.lookback_ms = lookback_ms
        self.notes: list[Contributor] = []
        self.spans: list[tuple[int, int]] = []  # (after, until], disjoint, ascending
        self._packed: list[bytes] = []  # each note as bytes: most records are stored again with few notes more
        self._by_user: Counter[str] | None = None  # how many notes each has, once there have been too many

    def note(self, contributor: Contributor) -> None:
        """Remember an event."""
        at = bisect_right(self.notes, contributor)
        self.notes.insert(at, contributor)
        self._packed.insert(at, _pack(contributor))
        if self._by_user is not None:
            self._by_user[contributor.user_id] += 1
        if len(self.notes) > MAX_NOTES:
            self._drop_one()

    def cross(self, time: int) -> None:
        """The counters were high enough at `time`: everything within the lookback before it is meant."""
        after, until = max(0, time - self.lookback_ms), time
        apart = []
        for span in self.spans:
            if span[1] < after or span[0] > until:
                apart.append(span)
            else:
                after, until = min(after, span[0]), max(until, span[1])
        self.spans = sorted([*apart, (after, until)])[-MAX_SPANS:]

    def covers(self, first: int, last: int) -> bool:
        """Whether crossings from `first` to `last` would change nothing: others reach over all that they mean."""
        after = max(0, first - self.lookback_ms)
        return any(begin <= after and last <= end for begin, end in self.spans)

    def uncovered(self, times: list[int]) -> list[int]:
        """Those of some times at which crossings would change something."""
        for begin, end in self.spans:
            covered_from = begin + self.lookback_ms if begin else 0
            times = [time for time in times if not covered_from <= time <= end]
        return times

    def times_between(self, after: int, until: int) -> list[int]:
        """The times in (after, until] of notes."""
        notes = self.notes
        return [note[0] for note in notes[bisect_left(notes, (after + 1,)) : bisect_left(notes, (until + 1,))]]

    def release(self) -> list[Contributor]:
        """Take out the notes that a crossing has reached."""
        released: list[Contributor] = []
        for after, until in self.spans:
            begin = bisect_left(self.notes, (after + 1,))
            end = bisect_left(self.notes, (until + 1,))
            released += self.notes[begin:end]
            self._drop(begin, end)
        return released

    def forget(self, user_id: str) -> None:
        """Drop a user's events, and those that are aimed at him."""
        self.replace([note for note in self.notes if user_id not in (note.user_id, note.target_id)])

    def trim(self, oldest: int) -> None:
        """Forget what lies before `oldest`."""
        if self.notes and self.notes[0].time < oldest:
            self._drop(0, bisect_left(self.notes, (oldest,)))
        if self.spans:
            self.spans = [span for span in self.spans if span[1] >= oldest]

    def shift(self, by_ms: int) -> None:
        """Move to a base `by_ms` later."""
        self.replace([note._replace(time=note.time - by_ms) for note in self.notes if note.time >= by_ms])
        self.spans = [(max(0, after - by_ms), until - by_ms) for after, until in self.spans if until >= by_ms]

    def dump(self) -> bytes:
        """As bytes; `load` reads them."""
        parts = [_HEAD.pack(self.lookback_ms, len(self.spans), len(self.notes))]
        parts += [_SPAN.pack(*span) for span in self.spans]
        return b"".join([*parts, *self._packed])

    def _drop_one(self) -> None:
        """Forget the oldest note of the user who has the most."""
        by_user = self._by_user = self._by_user or Counter([note.user_id for note in self.notes])
        most = max(by_user.values())
        at = next(at for at, note in enumerate(self.notes) if by_user[note.user_id] == most)
        self._drop(at, at + 1)

    def _drop(self, begin: int, end: int) -> None:
        by_user = self._by_user
        if by_user is not None:
            for note in self.notes[begin:end]:
                by_user[note.user_id] -= 1
                if not by_user[note.user_id]:
                    del by_user[note.user_id]
        del self.notes[begin:end], self._packed[begin:end]

    def replace(self, notes: list[Contributor]) -> None:
        """Have these notes, by time, instead of those that are there."""
        self.notes, self._packed, self._by_user = notes, [_pack(note) for note in notes], None


def _pack(note: Contributor) -> bytes:
    return pack_note(note[0], note[5], note[6], note[1:5])


def load_contributors(data: bytes, at: int, with_content: bool = True) -> tuple[Contributors, int]:
    """What `dump` wrote at a place in `data`, and the place behind it. Raises struct.error or ValueError."""
    lookback_ms, n_spans, n_notes = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    contributors, notes = Contributors(lookback_ms), list[Contributor]()
    for _ in range(n_spans):
        contributors.spans.append(_SPAN.unpack_from(data, at))
        at += _SPAN.size
    for _ in range(n_notes):
        layout = NOTE if with_content else _NOTE_WITHOUT_CONTENT
        time, user_partition, *more = layout.unpack_from(data, at)
        content, lengths = more[0] if with_content else 0, more[-4:]
        at += layout.size
        texts = []
        for length in lengths:
            if at + length > len(data):
                raise ValueError("it ends too early")
            texts.append(data[at : at + length].decode())
            at += length
        notes.append(Contributor(time, texts[0], texts[1], texts[2], texts[3], user_partition, content))
    contributors.replace(notes)
    return contributors, at
