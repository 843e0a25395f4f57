"""How late it is in a partition: by its own events, and where events of several partitions meet.

clock          u64 ms | n x (u32 series | u64 ms)      the latest time that an event had; which series are asked,
                                                       and since when without a break
meeting clock  u64 ms | n x (u32 partition | u64 ms)   how late it is where events meet; the latest time of those
                                                       that a partition has sent there
"""

import struct
from collections.abc import Callable, Collection

from engine.errors import StateError
from engine.state.scored import Change, Reader

CLOCK = b"c"
"""Key of how far the time of the partition's events has come."""
MEETING_CLOCK = b"n"
"""Key of how late it is where events of several partitions meet."""

_CLOCK, _EACH = struct.Struct("<Q"), struct.Struct("<IQ")
_NEVER = (1 << 64) - 1


class EventClock:
    """The time of a partition's events."""

    def __init__(self, database: Callable[[], Reader]) -> None:
        self._database = database
        self._now_ms: int | None = None
        self._watched: dict[int, int] = {}
        self._begins: Collection[int] = ()

    @property
    def now_ms(self) -> int:
        """The latest time that an event had, or that was told. Raises StateError."""
        if self._now_ms is None:
            self._now_ms, self._watched = _load(self._database, CLOCK)
            self._begins = [key for key, since_ms in self._watched.items() if since_ms == _NEVER]
        return self._now_ms

    def watch(self, series: Collection[int]) -> bool:
        """These series, and no others, have all that belongs to them entered from now on. Whether that is new."""
        since_ms = _NEVER if self.now_ms else 0  # as of the next event: while others were watched, the clock stood
        if self._watched.keys() == set(series):
            return False
        self._watched = {key: self._watched.get(key, since_ms) for key in sorted(series)}
        self._begins = [key for key, known_ms in self._watched.items() if known_ms == _NEVER]
        return True

    def is_watched(self, series: int, since_ms: int) -> bool:
        """Whether a series has had all that belongs to it entered since a time."""
        return series in self._watched and self._watched[series] <= since_ms

    def advance(self, ts_ms: int) -> int:
        """It has become so late; returns what the clock says then, as it never goes back."""
        if ts_ms > (self.now_ms if self._now_ms is None else self._now_ms):
            self._now_ms = ts_ms
        if self._begins:
            self._watched |= dict.fromkeys(self._begins, self.now_ms)
            self._begins = ()
        return self.now_ms if self._now_ms is None else self._now_ms

    def dump(self) -> Change:
        """The clock as a change: the last one of a batch, so that whoever has it has all that came before."""
        return CLOCK, _dump(self.now_ms, self._watched)


class MeetingClock:
    """The time where events of several partitions meet. A worker may have read much more of one partition than of
    another: it is as late as by the one that is behind, or as late as the partition is told."""

    def __init__(self, database: Callable[[], Reader]) -> None:
        self._database = database
        self._now_ms: int | None = None
        self._sources: dict[int, int] = {}
        self.is_changed = False

    @property
    def now_ms(self) -> int:
        """How late it is. Raises StateError."""
        if self._now_ms is None:
            self._now_ms, self._sources = _load(self._database, MEETING_CLOCK)
        return self._now_ms

    def hear(self, source: int, ts_ms: int, partitions: int) -> int:
        """An event of a partition, one of so many, gets there. Returns how late it is then."""
        now_ms, before_ms = self.now_ms, self._sources.get(source, 0)
        if ts_ms > before_ms:
            self._sources[source] = ts_ms
            self.is_changed = True
            if before_ms <= now_ms and len(self._sources) >= partitions:  # else others hold it back as before
                self._now_ms = max(now_ms, min(self._sources.values()))
        return self.now_ms

    def tell(self, ts_ms: int) -> int:
        """Everything is decided that was earlier, in all partitions. Returns how late it is then."""
        if ts_ms > self.now_ms:
            self._now_ms, self.is_changed = ts_ms, True
        return self.now_ms

    def dump(self) -> Change:
        """The clock as a change, with the other one."""
        self.is_changed = False
        return MEETING_CLOCK, _dump(self.now_ms, self._sources)


def _dump(now_ms: int, beside: dict[int, int]) -> bytes:
    return _CLOCK.pack(now_ms) + b"".join(_EACH.pack(*each) for each in beside.items())


def _load(database: Callable[[], Reader], key: bytes) -> tuple[int, dict[int, int]]:
    """Raises StateError."""
    (stored,) = database().get([key])
    if not stored:
        return 0, {}
    try:
        return int(_CLOCK.unpack_from(stored)[0]), dict(_EACH.iter_unpack(stored[_CLOCK.size :]))
    except struct.error as error:
        raise StateError(f"a stored clock of {len(stored)} bytes cannot be read: {error}") from error
