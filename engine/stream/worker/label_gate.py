"""A label that overtakes its event finds nothing to join. So labels wait until the events that were there before them
are decided."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from faust.types import TP


class Held(NamedTuple):
    """Labels that wait until their events are decided up to an offset; then those up to another may go on."""

    events: TP
    until: int
    upto: int


class LabelGate:
    """Which labels of each partition may be joined."""

    def __init__(self) -> None:
        self._held: dict[TP, Held] = {}
        self._free_below: dict[TP, int] = {}

    def __contains__(self, labels: TP) -> bool:
        return labels in self._held

    @property
    def held(self) -> Mapping[TP, Held]:
        """What waits."""
        return dict(self._held)

    def part(self, labels: TP, records: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Those whose events are known to be decided, and the others."""
        below = self._free_below.get(labels, 0)
        return [record for record in records if record.offset < below], [
            record for record in records if record.offset >= below
        ]

    def hold(self, labels: TP, events: TP, until: int, upto: int) -> None:
        """Let labels below an offset wait until their events are decided up to another."""
        self._held[labels] = Held(events, until, upto)

    def release(self, events: TP, reached: int) -> list[TP]:
        """Events are decided up to here. Returns the partitions of labels that go on."""
        free = [labels for labels, held in self._held.items() if held.events == events and reached >= held.until]
        for labels in free:
            self._free_below[labels] = self._held.pop(labels).upto
        return free

    def forget(self, labels: TP) -> None:
        """The partition is someone else's."""
        self._held.pop(labels, None)
        self._free_below.pop(labels, None)
