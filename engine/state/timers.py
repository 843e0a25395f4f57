"""What a partition waits for, in the order in which it is due, and how far the time of its events has come.

Timers lie in the partition's database under the time at which they are due. The next ones are known in memory, as far
as `_CHUNK` of them; the others are read when their turn comes.

    timer       u64 due_ms, big endian | u64 hash       the value is whatever is to be done then
    clock       u64 ms | n x (u32 series | u64 ms)      the latest time that an event had; which series are asked, and
                                                        since when without a break
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from engine.errors import StateError
from engine.state.scored import Change, Reader
from engine.state.under_way import Pending, keep, settle

TIMER = b"d"
"""Key prefix of timers."""
CLOCK = b"c"
"""Key of how far the time of the partition's events has come."""

_CHUNK = 1_000
_KEY, _CLOCK, _WATCHED = struct.Struct(">QQ"), struct.Struct("<Q"), struct.Struct("<IQ")
_NEVER = (1 << 64) - 1
_END = b"e"
"""Behind all timers."""


class Timers:
    """One partition's timers and their clock. What is under way to the database is kept in memory until `settle`."""

    def __init__(self, database: Callable[[], Reader]) -> None:
        self._database = database
        self._pending: Pending = {}
        self._next: list[bytes] = []  # all that there are before `_known_until`, in order
        self._known_until = TIMER
        self._now_ms: int | None = None
        self._watched: dict[int, int] = {}
        self._begins: Collection[int] = ()

    # -- the clock ---------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The latest time that an event had, or that was told."""
        if self._now_ms is None:
            (stored,) = self._database().get([CLOCK])
            self._now_ms = self._load_clock(stored or b"")
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

    def dump_clock(self) -> Change:
        """The clock as a change: the last one of a batch, so that whoever has it has all that came before."""
        watched = b"".join(_WATCHED.pack(*each) for each in self._watched.items())
        return CLOCK, _CLOCK.pack(self.now_ms) + watched

    def _load_clock(self, stored: bytes) -> int:
        """Raises StateError."""
        if not stored:
            return 0
        try:
            self._watched = dict(_WATCHED.iter_unpack(stored[_CLOCK.size :]))
            self._begins = [key for key, since_ms in self._watched.items() if since_ms == _NEVER]
            return int(_CLOCK.unpack_from(stored)[0])
        except struct.error as error:
            raise StateError(f"a stored clock of {len(stored)} bytes cannot be read: {error}") from error

    # -- timers ------------------------------------------------------------------------------------

    def put(self, due_ms: int, identity: int, value: bytes) -> Change:
        """Begin a timer. One that is there already stays as it is."""
        key = self.name(due_ms, identity)
        place = bisect_left(self._next, key)
        if key < self._known_until and key not in self._next[place : place + 1]:
            self._next.insert(place, key)
            self._forget_far()
        return self._keep(key, value)

    def name(self, due_ms: int, identity: int) -> bytes:
        """The key of a timer, by which it may be ended before it is due."""
        return TIMER + _KEY.pack(due_ms, identity)

    def drop(self, key: bytes) -> Change:
        """End a timer."""
        return self._keep(key, None)

    def next_due_ms(self) -> int | None:
        """When the next one is due; None without any. One that has been dropped may still be told."""
        if not self._next and self._known_until < _END:
            self._look_ahead()
        return int(_KEY.unpack_from(self._next[0], len(TIMER))[0]) if self._next else None

    def take(self, before_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of those that are due before a time, in their order. Whoever takes one has to `drop` it."""
        while (due_ms := self.next_due_ms()) is not None and due_ms < before_ms:
            key = self._next.pop(0)
            value = self._pending[key][0] if key in self._pending else self._database().get([key])[0]
            if value is not None:
                yield key, value

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database."""
        for key, _ in changes:
            settle(self._pending, key)

    def _keep(self, key: bytes, value: bytes | None) -> Change:
        return keep(self._pending, key, value)

    def _look_ahead(self) -> None:
        """Know the next ones after those that are known: of the database, and of those under way to it."""
        while not self._next and self._known_until < _END:
            items = self._database().items(from_key=self._known_until)
            stored = [key for key, _ in islice(items, _CHUNK) if key < _END]
            until = stored[-1] + b"\x00" if len(stored) == _CHUNK else _END
            under_way = (key for key in self._pending if self._known_until <= key < until)
            found = {*stored, *under_way}
            self._next = sorted(key for key in found if self._pending.get(key, (b"", 0))[0] is not None)
            self._known_until = until

    def _forget_far(self) -> None:
        if len(self._next) > 2 * _CHUNK:
            self._known_until = self._next[_CHUNK]
            del self._next[_CHUNK:]
