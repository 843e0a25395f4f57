"""Events, and the mapping that adapts other people's field names.

A producer does not have to change: the mapping says where each of our names is found in its messages
(a dotted path), in which unit it writes times, and which values are to be turned into strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from engine.core.identity import MAX_ID_CHARS, TEXT_FIELDS
from engine.core.kernel import plain_identity
from engine.errors import EventError

TimeUnit = Literal["auto", "ms", "s", "iso8601"]

EARLIEST_MS = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)

IDENTITY_FIELDS = ("event_id", "type", "user_id")


@dataclass(slots=True)
class Event:
    """Something a user did. `fields` is the whole message under our names. `place`: where it stands in the batch
    that the models have read, if they have."""

    event_id: str
    type: str
    user_id: str
    ts_ms: int
    fields: dict[str, Any]
    place: int = -1


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Where our fields are found in a producer's messages.

    `sources`: our name to a dotted path in the message. `ts_unit`: how times are written; "auto" takes
    an integer as epoch milliseconds and a string as ISO 8601. `as_string`: our names whose integers
    become strings. `max_field_bytes`: the longest string value allowed. `max_future_ms`: how far ahead
    of its arrival an event time may lie.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()
    max_field_bytes: int = 65_536
    max_future_ms: int = 86_400_000

    def read(self, document: object, arrived_ms: int | None = None, size_bytes: int | None = None) -> Event:
        """The event in a decoded JSON document.

        `arrived_ms` is when the broker received it; without it the limit on future times is 2100.
        `size_bytes` is the message's length, if known: fields of a short message need no measuring.
        Raises EventError with a stable reason and a text that says what to do.
        """
        if type(document) is not dict:
            raise EventError("not_an_object", f"an event is a JSON object, this is {_kind(document)}")
        if self.sources or self.as_string:
            document = self._renamed(document)
        plain = plain_identity(document)
        if plain is None:
            event_id, kind, user_id, ts_ms = self._identity(document)
        else:
            event_id, kind, user_id, ts_ms = plain
            if self.ts_unit not in ("auto", "ms"):
                ts_ms = self._time(ts_ms)
        latest = LATEST_MS if arrived_ms is None else arrived_ms + self.max_future_ms
        if not EARLIEST_MS <= ts_ms <= latest or ts_ms > LATEST_MS:
            raise EventError(
                "absurd_timestamp",
                f"`ts` {document.get('ts')!r} is {ts_ms} ms since 1970, outside {EARLIEST_MS} to "
                f"{min(latest, LATEST_MS)}; check the time unit in the settings",
            )
        if size_bytes is None or size_bytes > self.max_field_bytes:
            self._check_lengths(document)
        return Event(event_id, kind, user_id, ts_ms, document)

    def _renamed(self, document: dict[str, Any]) -> dict[str, Any]:
        renamed = dict(document)
        for name, path in self.sources.items():
            value = lookup(document, path)
            if value is None:
                renamed.pop(name, None)
            else:
                renamed[name] = value
        for name in self.as_string:
            value = renamed.get(name)
            if type(value) is int:
                renamed[name] = str(value)
        return renamed

    def _identity(self, document: dict[str, Any]) -> tuple[str, str, str, int]:
        """The same of an event that is not written in the plainest way. Raises EventError."""
        self._check_names(document)
        for name in TEXT_FIELDS:
            value = document.get(name)
            if value is not None and type(value) is not str:
                raise EventError("wrong_type", f"`{name}` must be a string, this is {_kind(value)}")
        return document["event_id"], document["type"], document["user_id"], self._time(document.get("ts"))

    def _check_names(self, document: dict[str, Any]) -> None:
        for name in IDENTITY_FIELDS:
            value = document.get(name)
            where = f"`{self.sources[name]}`, mapped to `{name}`," if name in self.sources else f"`{name}`"
            if value is None:
                raise _missing(where)
            if type(value) is not str:
                hint = "`as_string` converts integers"
                raise EventError("wrong_type", f"{where} must be a string, this is {_kind(value)}; {hint}")
            if not 0 < len(value) <= MAX_ID_CHARS:
                told = f"{where} must have 1 to {MAX_ID_CHARS} characters, it has {len(value)}"
                raise EventError("wrong_length", told)

    def _time(self, value: object) -> int:
        if value is None:
            raise _missing("`ts`")
        return epoch_ms(value, self.ts_unit)

    def _check_lengths(self, document: dict[str, Any]) -> None:
        for name, value in document.items():
            if type(value) is str and len(value) > self.max_field_bytes // 4:
                size = len(value.encode("utf-8", "surrogatepass"))
                if size > self.max_field_bytes:
                    raise EventError("too_large", f"`{name}` has {size} bytes, the limit is {self.max_field_bytes}")


def _missing(where: str) -> EventError:
    return EventError("missing_field", f"{where} is missing; map it in the settings if it has another name")


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None. A key that contains the dots itself is found first."""
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split("."):
        if type(value) is not dict:
            return None
        value = value.get(part)
    return value


def epoch_ms(value: object, unit: TimeUnit) -> int:
    """A producer's time as epoch milliseconds. Raises EventError (wrong_type)."""
    if type(value) is str and unit in ("auto", "iso8601"):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise EventError("wrong_type", f"`ts` {value[:40]!r} is not an ISO 8601 time") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        try:
            return round(moment.timestamp() * 1000)
        except (OverflowError, ValueError):
            return 0
    if type(value) is int and unit in ("auto", "ms", "s"):
        return value * 1000 if unit == "s" else value
    if type(value) is float and unit in ("ms", "s") and abs(value) < 1e15:
        return round(value * 1000) if unit == "s" else round(value)
    wanted = {
        "auto": "integer milliseconds since 1970 or an ISO 8601 string",
        "ms": "a number of milliseconds since 1970",
        "s": "a number of seconds since 1970",
        "iso8601": "an ISO 8601 string",
    }[unit]
    raise EventError("wrong_type", f"`ts` must be {wanted}, this is {_kind(value)}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
    return "null" if value is None else names.get(type(value), "a number")
