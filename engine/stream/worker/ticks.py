"""Tells partitions to which no events come how late it is, where something is due there by then.

The time goes as a message among the hops, in order with all else that happens in the partition. It is told only once
all events have been read that had arrived by then: those that come later cannot lie before what is due.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiokafka.errors import KafkaError
from faust.types import TP

from engine.core.domain.rules import Rulebook
from engine.settings import Settings
from engine.stream.handlers.absences import allowance_ms
from engine.stream.handlers.batches import States
from engine.stream.handlers.hop_messages import Tick, encode_tick
from engine.stream.handlers.messages import Message

AGAIN_AFTER_MS = 10_000
"""A partition that has been told, and has not got to it yet, is told again no sooner."""

Publish = Callable[[list[Message]], Awaitable[None]]


class Ticks:
    """What a worker tells its own partitions. `publish`: takes messages that belong to no batch."""

    def __init__(self, settings: Settings, states: States, publish: Publish) -> None:
        self._topics, self._allowance_ms = settings.topics, allowance_ms(settings)
        self._states, self._publish = states, publish
        self._told_ms: dict[int, int] = {}

    async def tell(self, rulebook: Rulebook | None, read_until_ms: Mapping[TP, int]) -> None:
        """Tell the partitions in which something is due. `read_until_ms`: those of which all has been read, and as of
        when."""
        if rulebook is None or not (rulebook.absences or rulebook.outcomes):
            return
        read = {tp.partition: at_ms for tp, at_ms in read_until_ms.items() if tp.topic == self._topics.events}
        due = {partition: at_ms for partition, at_ms in sorted(read.items()) if self._is_due(partition, at_ms)}
        if due:
            self._told_ms |= due
            ticks = [(partition, encode_tick(Tick(partition, at_ms))) for partition, at_ms in due.items()]
            messages = [Message(self._topics.hops, b"", tick, partition=partition) for partition, tick in ticks]
            with suppress(KafkaError):  # it is told again
                await self._publish(messages)

    def _is_due(self, partition: int, at_ms: int) -> bool:
        due_ms = self._states(partition).timers.next_due_ms()
        is_due = due_ms is not None and due_ms < at_ms - self._allowance_ms
        return is_due and at_ms - self._told_ms.get(partition, 0) >= AGAIN_AFTER_MS
