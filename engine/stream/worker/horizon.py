"""Up to when everything is decided in all partitions of the group: so late may one without events take it to be.

By its clock alone, a worker would take it to be late while others still have to read what will come from them: events
meet at devices and other entities, wherever their users are.

It is found out in rounds. A round begins with how far all partitions go. When the group has committed that, all that it
has sent on is on the topic of hops, and the round goes on with how far that goes; and again, as hops send hops. When
nothing is left at a moment, a round is over at once.
"""

from collections.abc import Mapping

import structlog
from faust.types import TP

_log = structlog.stdlib.get_logger("floodgate")

HELD_BACK_MS = 6 * 3_600_000
"""Partitions that get no further, are sent more than can be decided, or have no broker that answers, hold back the time
of others for so long. Then it goes on to when that began, so it is never behind by more than twice as much."""

_HOPS_IN_A_ROW = 8
"""So often what was sent on is waited for. What outcomes are about gets to its entity in one hop. What follows from
events goes further, and back to their users; few ways are longer."""

_MOST_TOLD = 20


class Horizon:
    """How far the group is in time. Plain data: who is told asks the brokers. `hops`: the topic."""

    def __init__(self, hops: str) -> None:
        self._hops = hops
        self._began_ms, self._left = 0, 0
        self._wanted: dict[TP, int] = {}
        self._missing: list[TP] = []
        self._since_ms: int | None = None
        self.until_ms: int | None = None
        """What arrived before is decided, with all that came of it; None while that is not known of any time."""

    def note(self, done: Mapping[TP, int], asked_ms: int, ends: Mapping[TP, int]) -> None:
        """How far the group was, of each partition of its topics; and how far they went from a time on."""
        if self._left:
            self._go_on(done, asked_ms, ends)
        if not self._left:
            self._began_ms, self._left = asked_ms, 1 + _HOPS_IN_A_ROW
            self._wanted = {tp: end for tp, end in ends.items() if tp.topic != self._hops}
            self._go_on(done, asked_ms, ends)

    def wait(self, now_ms: int) -> None:
        """It is so late, whatever is known: nothing is waited for without end."""
        if self._since_ms is None:
            self._since_ms = now_ms
        if now_ms - self._since_ms > HELD_BACK_MS:
            behind = [f"{tp.topic}/{tp.partition}" for tp in self._missing[:_MOST_TOLD]]
            _log.warning("time goes on without what these partitions have still to decide", partitions=behind)
            self.until_ms, self._since_ms, self._left = self._since_ms, now_ms, 0

    def _go_on(self, done: Mapping[TP, int], asked_ms: int, ends: Mapping[TP, int]) -> None:
        while self._left:
            self._missing = [tp for tp, end in self._wanted.items() if done.get(tp, 0) < end]
            if self._missing:
                return
            self._left -= 1
            self._wanted = {tp: end for tp, end in ends.items() if tp.topic == self._hops}
        self.until_ms, self._since_ms = self._began_ms, asked_ms
