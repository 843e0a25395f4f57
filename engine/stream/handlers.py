"""What computes the batches of a topic, and what a batch wants to become durable. Knows no Faust."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.state.store import Change
from engine.stream.messages import Message


@dataclass(slots=True)
class Outcome:
    """What a batch wants to become durable, in this order: messages, then changes of the state."""

    messages: list[Message] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    in_order: bool = False
    """Whether its messages must not overtake those of the batch before it."""

    def settle(self) -> None:
        """Called when all of it is durable."""


class BatchHandler(Protocol):
    """Computes the batches of one topic."""

    async def begin(self, partition: int) -> int | None:
        """The partition is ours from now on. Where to read from, or None for the committed offset."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Compute records (aiokafka ConsumerRecords) in their order. Synchronous; must not raise."""

    def end(self, partition: int) -> None:
        """The partition is someone else's: forget everything about it."""
