"""Settings that say how other people's messages become ours: producers' events, moderation tools' labels."""

from typing import Annotated

import msgspec

from engine.core.domain.ages import AgeMapping
from engine.core.domain.events import CLOCK_TOLERANCE_MS, MAX_CLOCK_TOLERANCE_MS, FieldMapping, TimeUnit
from engine.core.values.identity import COMPUTED_FIELDS, IDENTITY_FIELDS, TEXT_FIELDS
from engine.learning.label_mapping import LABEL_FIELDS, LabelMapping
from engine.learning.verdicts import VERDICTS, Verdict
from engine.limits import Limit, at_least, between, check_limits


class ComputedField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field that the engine computes. `age_of`: the dotted path of the time since when something is there."""

    age_of: str

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not self.age_of:
            raise ValueError("`age_of` is the path of a time")


_FIXED = {*IDENTITY_FIELDS, "ts", *TEXT_FIELDS, *COMPUTED_FIELDS}
"""Names with a fixed meaning."""


class EventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How producers' messages become events.

    `fields` maps our names to dotted paths in the message; `computed` names fields that the engine computes from
    others; `as_string` names identifiers that may arrive as integers; a message longer than `max_message_bytes` becomes
    a dead letter (by default that is more than the broker takes), a text longer than `max_field_bytes` is cut;
    `clock_tolerance_ms` is how far an event's own time may lie from its arrival, the record's timestamp, and still be
    believed.
    """

    fields: Annotated[dict[str, str], Limit(lambda fields: all(fields.values()), "map our names to paths")] = {}
    computed: dict[str, ComputedField] = {}
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()
    max_message_bytes: Annotated[int, at_least(100)] = 1_048_588
    max_field_bytes: Annotated[int, at_least(100)] = 65_536
    clock_tolerance_ms: Annotated[int, between(0, MAX_CLOCK_TOLERANCE_MS)] = CLOCK_TOLERANCE_MS

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self, "events.")
        for name in self.computed:
            if name in self.fields:
                raise ValueError(f"`events.computed` and `events.fields` both have `{name}`; give one")
            if name in _FIXED:
                raise ValueError(f"`events.computed` has `{name}`, which has a fixed meaning; choose another name")
            if not name or "." in name:
                raise ValueError(f"`events.computed` has `{name}`: a computed field has a name without dots")

    def mapping(self) -> FieldMapping:
        """The core's view of these settings."""
        found = self.fields, self.ts_unit, self.as_string, self.max_field_bytes, self.clock_tolerance_ms
        ages = {name: one.age_of for name, one in self.computed.items()}
        return AgeMapping(*found, ages) if ages else FieldMapping(*found)


class LabelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the labels of a moderation tool become ours.

    `fields` maps our names to dotted paths in the label; `verdicts` says what its verdicts mean; `as_string` names
    what may arrive as an integer.
    """

    fields: dict[str, str] = {}
    verdicts: dict[str, Verdict] = {}
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        unknown = sorted({*self.fields, *self.as_string} - {*LABEL_FIELDS})
        if unknown:
            raise ValueError(f"`labels` have no field `{unknown[0]}`; they have {', '.join(LABEL_FIELDS)}")
        if not all(self.fields.values()):
            raise ValueError("`labels.fields` map our names to paths")
        for word, verdict in self.verdicts.items():
            if word in VERDICTS and word != verdict:
                raise ValueError(f"`labels.verdicts` has `{word}`, which is a verdict of ours, for {verdict}")

    def mapping(self) -> LabelMapping:
        """What reads labels by these settings."""
        return LabelMapping(self.fields, self.verdicts, self.ts_unit, self.as_string)
