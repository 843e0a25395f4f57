"""How many shared entities a partition has begun to count: adversaries can name as many as they like."""

import struct
from dataclasses import dataclass, field

from engine.errors import StateError

_DAY_MS = 86_400_000
_ENTRY = struct.Struct("<HIQ")


@dataclass(slots=True)
class Census:
    """New entities by kind and day of event time; two days of them are remembered."""

    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    def admit(self, kind: str, ts_ms: int, budget: int) -> bool:
        """Count one more new entity; False when today's and yesterday's have used up the budget."""
        day = ts_ms // _DAY_MS
        if self.counts.get((kind, day), 0) + self.counts.get((kind, day - 1), 0) >= budget:
            return False
        self.counts[kind, day] = self.counts.get((kind, day), 0) + 1
        newest = max(other for one, other in self.counts if one == kind)
        for old in [key for key in self.counts if key[0] == kind and key[1] < newest - 1]:
            del self.counts[old]
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
