"""Events that are presumed to be ham, but not yet: their labels may still be on the way.

Each is waited for until a time that its example says. What is waited for follows from the examples alone: it is all
whose time is not over, by the clock of those that have come, and that has no label. So it is no part of a snapshot:
who takes over reads the examples again from the first that is still waited for.

Waiting is bounded. Where too much waits, the clock is put forward to the time of the next one, again and again: a flood
of events shortens the wait, at worst to none, and what is waited for follows from the examples as before.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import msgspec

from engine.learning.labels import Example

MOST_WAITING = 200_000
MOST_WAITING_BYTES = 64 << 20
"""Of one model, both."""
_MOST_OVER = 1_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Example).decode


class Waiting:
    """What one model waits for. `now_ms`: all whose time was over by then has been given back."""

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self._kept: dict[int, tuple[int, bytes]] = {}  # by identity: offset and example, in the order of the offsets
        self._due: list[tuple[int, int]] = []  # a heap of times and identities, some of which are settled
        self._bytes = 0
        self._settled: set[int] = set()  # of what is read again

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def begins(self) -> int | None:
        """The offset of the first example that is waited for."""
        return next(iter(self._kept.values()))[0] if self._kept else None

    def pass_time(self, now_ms: int) -> Iterator[Example]:
        """It has become so late: examples whose time is over, in the order of their times, and those for which there is
        no room."""
        self._settled.clear()
        self.now_ms = max(self.now_ms, now_ms)
        while self._due and (self._due[0][0] <= self.now_ms or self._is_full()):
            due_ms, identity = heappop(self._due)
            kept = self._drop(identity)
            if kept is not None:
                self.now_ms = max(self.now_ms, due_ms)
                yield _decode(kept)

    def add(self, example: Example, offset: int) -> bool:
        """Wait for a presumed example; False when its time is over already."""
        awaited = example.awaited
        if awaited is None or awaited.due_ms <= self.now_ms:
            return False
        if awaited.identity not in self._kept:
            encoded = _encode(example)
            self._kept[awaited.identity] = offset, encoded
            self._bytes += len(encoded)
            heappush(self._due, (awaited.due_ms, awaited.identity))
        return True

    def settle(self, identity: int) -> bool:
        """A label has come. Whether its event was waited for; it is not any more."""
        was_kept = self._drop(identity) is not None
        if len(self._due) > 2 * len(self._kept) + _MOST_OVER:
            self._due = [one for one in self._due if one[1] in self._kept]
            heapify(self._due)
        return was_kept

    def read_again(self, example: Example, offset: int) -> None:
        """An example that came before this began: wait for it, if that had still been so."""
        assert example.awaited is not None
        identity = example.awaited.identity
        if example.presumes:
            if identity not in self._settled:  # else it is there twice
                self.add(example, offset)
        elif example.verdict != "retracted" and self.settle(identity):
            self._settled.add(identity)

    def _drop(self, identity: int) -> bytes | None:
        _, kept = self._kept.pop(identity, (0, None))
        self._bytes -= len(kept) if kept is not None else 0
        return kept

    def _is_full(self) -> bool:
        return len(self._kept) > MOST_WAITING or self._bytes > MOST_WAITING_BYTES
