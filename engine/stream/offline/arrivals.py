"""What arrives, for an engine without a broker: events and labels in their order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of a file: an event or a label, and its time. `arrived_ms`: when an event came, where that is known from
    elsewhere than the line."""

    kind: str
    ts_ms: int
    value: bytes
    arrived_ms: int | None = None


def merge(events: Iterable[Arrival], labels: Iterable[Arrival]) -> Iterator[Arrival]:
    """Events in their order; each label before the first event that is younger than it."""
    waiting = iter(sorted(labels, key=lambda label: label.ts_ms))
    label = next(waiting, None)
    now_ms = 0
    for event in events:
        now_ms = max(now_ms, event.ts_ms)
        while label is not None and label.ts_ms < now_ms:
            yield label
            label = next(waiting, None)
        yield event
    while label is not None:
        yield label
        label = next(waiting, None)
