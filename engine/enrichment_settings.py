"""Settings of the stage before `events`, which adds what events carry but do not say."""

from typing import Annotated, Any

import msgspec

from engine.limits import at_least, between, check_limits

MISSING = "missing"
"""Where the stage says what it could not find: no enricher is called so."""


class CacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an enricher remembers. `entries`: so many answers; `seconds`: for so long."""

    entries: Annotated[int, at_least(0)] = 10_000
    seconds: Annotated[int, at_least(1)] = 3_600

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "cache.")


class RestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an enricher that depends on a service is left alone. `failures`: after so many in a row, 0 for never;
    `seconds`: for so long. Never where what people send can make it fail: five of their messages would exempt all
    others."""

    failures: Annotated[int, at_least(0)] = 0
    seconds: Annotated[int, at_least(1)] = 10

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "rest.")


class EnricherSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One enricher. `kind`: what it is called as an entry point, if not as it is here; `events`: the types of events
    that it is asked about, all where none is named; `limit_ms`: so long an event waits for it at most;
    `turn_ms`: so long it may work on one event, by default a quarter of that: one that hangs costs no others their
    turn; `at_once`: so many events at a time; `options`: its own."""

    kind: str = ""
    events: tuple[str, ...] = ()
    limit_ms: Annotated[int, between(1, 60_000)] = 2_000
    turn_ms: Annotated[int, between(0, 60_000)] = 0
    at_once: Annotated[int, between(1, 1_000)] = 8
    memory_mb: Annotated[int, between(64, 65_536)] = 1_024
    """So much memory each of its processes may take, where it runs in processes of its own."""
    cache: CacheSettings = CacheSettings()
    rest: RestSettings = RestSettings()
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self)
        if self.turn_ms > self.limit_ms:
            raise ValueError("`turn_ms` of an enricher is no longer than its `limit_ms`")

    @property
    def turn_s(self) -> float:
        """How long it may work on one event."""
        return (self.turn_ms or self.limit_ms / 4) / 1_000


class EnrichmentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `floodgate enrich` does. Without `enrichers` there is no such stage, and nothing of this matters."""

    enrichers: dict[str, EnricherSettings] = {}
    """By their names, under which events have what they find: `enriched.NAME`."""
    max_message_bytes: Annotated[int, at_least(1_000)] = 8 << 20
    """A longer message on `raw_events` becomes a dead letter."""
    max_added_bytes: Annotated[int, at_least(100)] = 65_536
    """What one enricher may add to an event, as JSON."""
    batch_max_events: Annotated[int, at_least(1)] = 200
    """Events of one partition that are taken on at a time."""
    max_batches_in_flight: Annotated[int, at_least(1)] = 4
    """So many full batches may be under way; what comes after them waits in Kafka."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "enrichment.")
        for name in self.enrichers:
            if not name.isidentifier() or name == MISSING:
                raise ValueError(
                    f"`enrichment.enrichers` has `{name}`: a name is letters, digits and _, not `{MISSING}`"
                )

    @property
    def is_used(self) -> bool:
        """Whether there is such a stage."""
        return bool(self.enrichers)
