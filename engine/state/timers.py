"""What a partition waits for, in the order in which it is due.

Timers lie in the partition's database under the time at which they are due. The next ones are known in memory, as far
as `_CHUNK` of them; the others are read when their turn comes.

    timer       u64 due_ms, big endian | u64 hash       the value is whatever is to be done then
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from engine.state.scored import Change, Reader
from engine.state.under_way import Pending, keep, settle

TIMER = b"d"
"""Key prefix of timers by the time of the partition's events."""
MEETING_TIMER = b"m"
"""Key prefix of timers by the time where events of several partitions meet."""

_CHUNK = 1_000
_KEY = struct.Struct(">QQ")


class Timers:
    """A partition's timers by one of its clocks. What is under way to the database is kept in memory until `settle`."""

    def __init__(self, database: Callable[[], Reader], prefix: bytes = TIMER) -> None:
        self._database, self._prefix = database, prefix
        self._end = bytes([prefix[0] + 1])  # behind all of these timers
        self._pending: Pending = {}
        self._next: list[bytes] = []  # all that there are before `_known_until`, in order
        self._known_until = prefix

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
        return self._prefix + _KEY.pack(due_ms, identity)

    def drop(self, key: bytes) -> Change:
        """End a timer."""
        return self._keep(key, None)

    def next_due_ms(self) -> int | None:
        """When the next one is due; None without any. One that has been dropped may still be told."""
        if not self._next and self._known_until < self._end:
            self._look_ahead()
        return int(_KEY.unpack_from(self._next[0], len(self._prefix))[0]) if self._next else None

    def take(self, before_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of those that are due before a time, in their order. Whoever takes one has to `drop` it."""
        while (due_ms := self.next_due_ms()) is not None and due_ms < before_ms:
            key = self._next.pop(0)
            value = self._pending[key][0] if key in self._pending else self._database().get([key])[0]
            if value is not None:
                yield key, value

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database, those of other timers among them."""
        for key, _ in changes:
            if key.startswith(self._prefix):
                settle(self._pending, key)

    def _keep(self, key: bytes, value: bytes | None) -> Change:
        return keep(self._pending, key, value)

    def _look_ahead(self) -> None:
        """Know the next ones after those that are known: of the database, and of those under way to it."""
        while not self._next and self._known_until < self._end:
            items = self._database().items(from_key=self._known_until)
            stored = [key for key, _ in islice(items, _CHUNK) if key < self._end]
            until = stored[-1] + b"\x00" if len(stored) == _CHUNK else self._end
            under_way = (key for key in self._pending if self._known_until <= key < until)
            found = {*stored, *under_way}
            self._next = sorted(key for key in found if self._pending.get(key, (b"", 0))[0] is not None)
            self._known_until = until

    def _forget_far(self) -> None:
        if len(self._next) > 2 * _CHUNK:
            self._known_until = self._next[_CHUNK]
            del self._next[_CHUNK:]
