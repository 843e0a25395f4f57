"""What a batch is told about the few of its events that are traced. Knows nothing of how they are told of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from engine.stream.handlers.messages import Headers

TRACE = "traceparent"
"""The header that has an event's trace context, as the W3C writes it."""

Traced = Mapping[int, Headers]
"""What goes on with the messages of a record, by its offset: of those that are traced."""

NOTHING_TRACED: Traced = MappingProxyType({})


class Followed(Protocol):
    """Is told how far a batch is in which traced events are."""

    def note_published(self) -> None:
        """The brokers have its messages."""

    def note_stored(self) -> None:
        """Its state is durable."""
