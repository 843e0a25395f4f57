"""What an enricher is: the one thing that somebody else writes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec

from engine.core.kernel import lookup
from engine.enrich.answers import Missing
from engine.enrich.confinement.children import Children

__all__ = ["Enricher", "HeavyEnricher", "Missing", "RawEvent", "Surroundings"]

Found = Mapping[str, Any]
"""Names to JSON values."""


class RawEvent(msgspec.Struct, frozen=True):
    """An event on its way to `events`. Whatever it says was written by whoever sent it. `fields`: the message as it
    came, under the names of its producer; an enricher changes nothing of it. `type`, `user_id`, `event_id`: empty where
    the message does not say."""

    fields: dict[str, Any]
    type: str = ""
    user_id: str = ""
    event_id: str = ""

    def find(self, path: str) -> Any:
        """What stands at a dotted path; None where there is nothing."""
        return lookup(self.fields, path)


class Surroundings(NamedTuple):
    """What the declaration of an enricher gives it, beside its options. `processes`: so many of its own it may have,
    each with `memory_mb`; `turn_s`: so long it may work on one event; `remembers`, `remembers_s`: so many answers, for
    so long."""

    processes: int = 1
    memory_mb: int = 1_024
    turn_s: float = 0.5
    remembers: int = 10_000
    remembers_s: int = 3_600


class Enricher(ABC):
    """Finds something out about events. A worker has one object of it. The same event has the same answer, whatever
    came before: it may come twice."""

    writes_media: ClassVar[bool] = False
    """Whether what it finds stands below `media`, where the engine itself looks for it, and not below `enriched`."""

    bounds_turns: ClassVar[bool] = False
    """Whether it ends a turn itself once it has taken `turn_s`: where a turn begins, only it knows."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the options of the declaration. Raises ValueError, which says what is wrong with them."""
        if options:
            raise ValueError(f"it has no option `{min(options)}`")

    @property
    def is_resting(self) -> bool:
        """Whether it leaves a service alone that it depends on."""
        return False

    async def start(self, surroundings: Surroundings) -> None:  # noqa: B027  # most need none
        """Called once, before the first event."""

    async def stop(self) -> None:  # noqa: B027
        """Called once, after the last event."""

    def is_about(self, event: RawEvent) -> bool:
        """Whether it has anything to find out about an event; if not, nothing is added to it. Cheap, and never wrong:
        who writes the event could exempt it."""
        return True

    def key(self, event: RawEvent) -> str | None:
        """Events with the same key have the same answer, which is remembered. None: it is not."""
        return None

    def strip(self, fields: dict[str, Any]) -> None:  # noqa: B027
        """Take out of the message what nobody needs behind the stage, such as a picture's bytes. What it changes must
        be a copy: `fields` is one, what lies deeper is not."""

    @abstractmethod
    async def enrich(self, event: RawEvent) -> Found | None:
        """What it found; None when there is nothing. Raises Missing where it cannot tell. It is cancelled when its time
        is over; what it computes at a stretch holds up all others, so heavy work belongs into a `HeavyEnricher`."""


class HeavyEnricher(Enricher):
    """An enricher that computes much, or reads what may be hostile: it answers in processes of its own, which have no
    network, start no other processes and write no files, and are ended when their time is over."""

    bounds_turns = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._options = dict(options)

    async def start(self, surroundings: Surroundings) -> None:
        """Start its processes."""
        kind = type(self)
        given = {"module": kind.__module__, "name": kind.__qualname__, "options": self._options}
        self._children = Children(
            "engine.enrich.heavy:answers", given, surroundings.processes, surroundings.turn_s, surroundings.memory_mb
        )
        await self._children.start()

    async def stop(self) -> None:
        """End its processes."""
        await self._children.stop()

    @abstractmethod
    def answer(self, event: RawEvent) -> Found | None:
        """As `enrich`, in another process, on an object of its own."""

    async def enrich(self, event: RawEvent) -> Found | None:
        """Ask one of its processes."""
        found: Found | None = await self._children.ask(msgspec.to_builtins(event))
        return found
