"""Tells partitions how late it is, where something is due there by then: those to which no events come, and those whose
entities others send nothing any more.

The time goes as a message among the hops, in order with all else that happens in the partition. It is told only once
all events are decided that had arrived by then, in all partitions (`horizon.py`): those that come later cannot lie
before what is due, wherever they come from.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from aiokafka.errors import KafkaError

from engine.core.domain.rules import Rulebook
from engine.settings import Settings
from engine.stream.handlers.absences import allowance_ms
from engine.stream.handlers.batches import States
from engine.stream.handlers.hop_messages import Tick, encode_tick
from engine.stream.handlers.messages import Message

AGAIN_AFTER_MS = 10_000
"""A partition that has been told, and has not got to it yet, is told again no sooner."""

_NEVER_MS = 1 << 62

Publish = Callable[[list[Message]], Awaitable[None]]
DecidedUntil = Callable[[], Awaitable[int | None]]
"""Up to when all that has arrived is decided, in all partitions; None while nobody knows."""


class Ticks:
    """What a worker tells its own partitions. `publish`: takes messages that belong to no batch."""

    def __init__(self, settings: Settings, states: States, publish: Publish, decided_until_ms: DecidedUntil) -> None:
        self._topics, self._allowance_ms = settings.topics, allowance_ms(settings)
        self._states, self._publish, self._decided_until_ms = states, publish, decided_until_ms
        self._told_ms: dict[int, int] = {}

    async def tell(self, rulebook: Rulebook | None, mine: Iterable[int]) -> None:
        """Tell those own partitions in which something is due. Where nothing is, by the clock, nobody is asked."""
        if rulebook is None or not (rulebook.absences or rulebook.outcomes):
            return
        # Before anything is waited for: they may be another's then, and have no state here.
        due_ms = {partition: self._due_ms(partition) for partition in mine}
        if not self._over(due_ms, int(time.time() * 1_000)):
            return
        at_ms = await self._decided_until_ms()
        if at_ms is not None and (over := self._over(due_ms, at_ms)):
            self._told_ms |= dict.fromkeys(over, at_ms)
            ticks = [(partition, encode_tick(Tick(partition, at_ms))) for partition in over]
            messages = [Message(self._topics.hops, b"", tick, partition=partition) for partition, tick in ticks]
            with suppress(KafkaError):  # it is told again
                await self._publish(messages)

    def _due_ms(self, partition: int) -> int:
        state = self._states(partition)
        due_ms = state.timers.next_due_ms(), state.meeting_timers.next_due_ms()
        return min((each_ms for each_ms in due_ms if each_ms is not None), default=_NEVER_MS)

    def _over(self, due_ms: Mapping[int, int], at_ms: int) -> list[int]:
        """Where something is due at a time, of which nobody has been told lately."""
        over = [partition for partition, each_ms in due_ms.items() if each_ms < at_ms - self._allowance_ms]
        return [partition for partition in over if at_ms - self._told_ms.get(partition, 0) >= AGAIN_AFTER_MS]
