"""How many shared entities a partition has begun to count: adversaries can name as many as they like.

An entity that one source alone has named is provisional. When the budget is used up, the oldest provisional entity
gives its place to a new one: what a crowd of accounts makes up pushes out what it has made up before, and nothing that
two people share.
"""

import struct
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from engine.errors import StateError

MAX_PROVISIONAL = 50_000
"""So many provisional entities of a kind are known; older ones stay for good."""

_DAY_MS = 86_400_000
_ENTRY = struct.Struct("<HIQ")
_MOST_TRIED = 16


class Admission(NamedTuple):
    """Whether a new entity may be counted, and the key of one that gives its place to it."""

    admitted: bool
    forgotten: bytes | None


@dataclass(slots=True)
class Census:
    """New entities by kind and day; two days of them are remembered. `provisional`: by kind, the keys of those that one
    source alone has named, and the hash of that source, oldest first; in memory alone, so after a restart all stay."""

    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    provisional: dict[str, dict[bytes, int]] = field(default_factory=dict)

    def meet(self, kind: str, key: bytes, source: int) -> None:
        """An entity that is counted is named again."""
        known = self.provisional.get(kind)
        if known is not None and known.get(key, source) != source:
            del known[key]

    def admit(
        self, kind: str, key: bytes, ts_ms: int, budget: int, source: int, busy: Container[bytes] = ()
    ) -> Admission:
        """Whether one more new entity may be counted, and which other one is forgotten for it. Where today's and
        yesterday's have used up the budget, a provisional one gives way, but none of `busy`. An event of before
        yesterday counts as today's: old times are no way around."""
        newest = max((day for one, day in self.counts if one == kind), default=0)
        day = ts_ms // _DAY_MS
        if day < newest - 1:
            day = newest
        provisional, forgotten = self.provisional.setdefault(kind, {}), None
        if self.counts.get((kind, day), 0) + self.counts.get((kind, day - 1), 0) >= budget:
            forgotten = next((one for one in islice(provisional, _MOST_TRIED) if one not in busy), None)
            if forgotten is None:
                return Admission(False, None)
            del provisional[forgotten]
        else:
            self.counts[kind, day] = self.counts.get((kind, day), 0) + 1
        provisional[key] = source
        if len(provisional) > MAX_PROVISIONAL:
            del provisional[next(iter(provisional))]
        for old in [one for one in self.counts if one[0] == kind and one[1] < max(newest, day) - 1]:
            del self.counts[old]
        return Admission(True, forgotten)

    def dump(self) -> bytes:
        """As bytes, in order."""
        parts = []
        for kind, day in sorted(self.counts):
            name = kind.encode()
            parts += [_ENTRY.pack(len(name), day, self.counts[kind, day]), name]
        return b"".join(parts)


def load_census(data: bytes) -> Census:
    """What `dump` wrote. Raises StateError."""
    census, at = Census(), 0
    try:
        while at < len(data):
            length, day, count = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size + length
            if at > len(data):
                raise ValueError("it ends too early")
            census.counts[data[at - length : at].decode(), day] = count
    except (struct.error, ValueError) as error:
        raise StateError(f"a stored census of {len(data)} bytes cannot be read: {error}") from error
    return census
