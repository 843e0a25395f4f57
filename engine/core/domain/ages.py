"""Ages: producers send since when something is there, rules read for how long it has been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.domain.events import EARLIEST_MS, Event, FieldMapping, epoch_ms
from engine.core.kernel import lookup
from engine.core.values.identity import INVALID_FIELDS
from engine.errors import EventError


@dataclass(frozen=True, slots=True)
class AgeMapping(FieldMapping):
    """A mapping that adds fields of its own.

    `ages`: our name to the dotted path of a time in the message, written as `ts` is. The field says how many
    milliseconds that time lies before the event's.
    """

    ages: Mapping[str, str] = field(default_factory=dict)

    def read(
        self, document: object, arrived_ms: int | None = None, size_bytes: int | None = None, content: int = 0,
        invalid: Sequence[str] = (),
    ) -> Event:  # fmt: skip
        """The event as FieldMapping reads it, with its ages in place of what was sent under their names. One whose time
        is not there is absent; if the time cannot be one, or lies ahead by more than clocks do, `invalid_fields` names
        it too. Raises EventError."""
        since = {name: lookup(document, path) for name, path in self.ages.items()} if type(document) is dict else {}
        event = FieldMapping.read(self, document, arrived_ms, size_bytes, content, invalid)
        wrong = [name for name in event.fields.pop(INVALID_FIELDS, ()) if name not in self.ages]
        for name, value in since.items():
            event.fields.pop(name, None)
            age_ms = self._age(value, event.ts_ms)
            if age_ms is not None:
                event.fields[name] = age_ms
            elif value is not None:
                wrong.append(name)
        if wrong:
            event.fields[INVALID_FIELDS] = wrong
        return event

    def _age(self, value: object, now_ms: int) -> int | None:
        try:
            since_ms = epoch_ms(value, self.ts_unit)
        except EventError:
            return None
        is_believed = EARLIEST_MS <= since_ms <= now_ms + self.clock_tolerance_ms
        return max(0, now_ms - since_ms) if is_believed else None
