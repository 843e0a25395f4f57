"""Tells partitions to which no events come how late it is, where something is due there by then.

The time goes as a message among the hops, in order with all else that happens in the partition. It is told only once
all events have been read that had arrived by then: those that come later cannot lie before what is due.
"""

from collections.abc import Mapping

from engine.settings import Settings
from engine.state.store import PartitionState
from engine.stream.handlers.absences import allowance_ms
from engine.stream.handlers.hop_messages import Tick, encode_tick
from engine.stream.handlers.messages import Message

AGAIN_AFTER_MS = 10_000
"""A partition that has been told, and has not got to it yet, is told again no sooner."""


class Ticks:
    """What a worker tells its own partitions."""

    def __init__(self, settings: Settings) -> None:
        self._topic, self._allowance_ms = settings.topics.hops, allowance_ms(settings)
        self._told_ms: dict[int, int] = {}

    def due(self, partitions: Mapping[int, tuple[PartitionState, int]]) -> list[Message]:
        """The messages for these partitions. With each, until when all of its events have been read."""
        messages = []
        for partition, (state, read_until_ms) in sorted(partitions.items()):
            due_ms = state.timers.next_due_ms()
            is_due = due_ms is not None and due_ms < read_until_ms - self._allowance_ms
            if is_due and read_until_ms - self._told_ms.get(partition, 0) >= AGAIN_AFTER_MS:
                self._told_ms[partition] = read_until_ms
                messages.append(
                    Message(self._topic, b"", encode_tick(Tick(partition, read_until_ms)), partition=partition)
                )
        return messages
