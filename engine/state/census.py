"""How many shared entities a partition has begun to count: adversaries can name as many as they like.

A third of what may be counted goes to whoever comes first. The rest is for those who have named few new entities
today: so a crowd of accounts that make keys up cannot use up what everybody else needs.
"""

import struct
from dataclasses import dataclass, field

from engine.errors import StateError

FREE_SHARE = 1 / 3
PER_SOURCE = 4
"""So many new entities of a kind a source may name in a day once the free share is used up."""

_DAY_MS = 86_400_000
_ENTRY = struct.Struct("<HIQ")
_SOURCES = 1 << 16


@dataclass(slots=True)
class Census:
    """New entities by kind and day; two days of them are remembered. `sources`: how many each source has named, by its
    hash, in memory alone: after a restart everybody begins anew."""

    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    sources: dict[tuple[str, int], bytearray] = field(default_factory=dict)

    def admit(self, kind: str, ts_ms: int, budget: int, source: int = 0) -> bool:
        """Count one more new entity; False when today's and yesterday's have used up the budget, or the source, a hash,
        its share. An event of before yesterday counts as today's: old times are no way around."""
        newest = max((day for one, day in self.counts if one == kind), default=0)
        day = ts_ms // _DAY_MS
        if day < newest - 1:
            day = newest
        used = self.counts.get((kind, day), 0) + self.counts.get((kind, day - 1), 0)
        taken = self.sources.setdefault((kind, day), bytearray(_SOURCES))
        place = source % _SOURCES
        if used >= budget or (used >= budget * FREE_SHARE and taken[place] >= PER_SOURCE):
            return False
        taken[place] = min(255, taken[place] + 1)
        self.counts[kind, day] = self.counts.get((kind, day), 0) + 1
        for known in (self.counts, self.sources):
            for old in [key for key in known if key[0] == kind and key[1] < max(newest, day) - 1]:
                del known[old]
        return True

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
            census.counts[data[at - length : at].decode(), day] = count
    except (struct.error, ValueError) as error:
        raise StateError(f"a stored census of {len(data)} bytes cannot be read: {error}") from error
    return census
