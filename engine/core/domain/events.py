"""Events, and the mapping that adapts other people's field names.

A producer does not have to change: the mapping says where each of our names is found in its messages
(a dotted path), in which unit it writes times, and which values are to be turned into strings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Literal

import msgspec

from engine.core.domain.follow_ups import SIGN
from engine.core.kernel import identity_of, lookup, plain_identity
from engine.core.values.identity import (
    ADDRESS,
    CLOCK_SKEW,
    COMPUTED_FIELDS,
    ID_FIELDS,
    IDENTITY_FIELDS,
    INVALID_FIELDS,
    MAX_ID_CHARS,
    TEXT_FIELDS,
)
from engine.errors import EventError

TimeUnit = Literal["auto", "ms", "s", "iso8601"]

EARLIEST_MS = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)

CLOCK_TOLERANCE_MS = 120_000
"""How far an event's own time may lie from its arrival, on either side, and still be believed."""

MAX_CLOCK_TOLERANCE_MS = 600_000


class Event(msgspec.Struct):
    """Something a user did. `ts_ms`: the time that windows go by; `fields`: the whole message under our names, with
    that time as its `ts`;
    `content`: a hash of the message as it came; `place`: where it stands in the batch that the models have read, if
    they have; `identity`: a hash of user, type and id, once it is decided;
    `is_skewed`: its own time is not believed; `arrived_ms`: when it came, where something tells."""

    event_id: str
    type: str
    user_id: str
    ts_ms: int
    fields: dict[str, Any]
    content: int = 0
    place: int = -1
    identity: int = 0
    is_skewed: bool = False
    arrived_ms: int | None = None

    def identify(self) -> int:
        """Its identity, computed if it has not been yet."""
        if not self.identity:
            self.identity = identity_of(self.user_id, self.type, self.event_id)
        return self.identity


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Where our fields are found in a producer's messages.

    `sources`: our name to a dotted path in the message. `ts_unit`: how times are written; "auto" takes
    an integer as epoch milliseconds and a string as ISO 8601. `as_string`: our names whose integers
    become strings. `max_field_bytes`: longer texts are cut. `clock_tolerance_ms`: how far an event's own time may lie
    from its arrival and still be believed.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()
    max_field_bytes: int = 65_536
    clock_tolerance_ms: int = CLOCK_TOLERANCE_MS

    def read(
        self, document: object, arrived_ms: int | None = None, size_bytes: int | None = None, content: int = 0,
        invalid: Sequence[str] = (),
    ) -> Event:  # fmt: skip
        """The event in a decoded JSON document, which it takes over.

        `arrived_ms`: when the broker received it; without it the event's own time is believed. `size_bytes`: the
        message's length, if known: fields of a short message need no measuring. `content`: the message's hash.
        `invalid`: what has been found wrong already.

        A message that does not tell who did what, under which id, is no event: raises EventError with a stable reason
        and a text that says what to do. Whatever else is wrong does not exempt it: bad fields are left out, long
        ones are cut, and `invalid_fields` names them; a time that cannot be believed gives way to the arrival.
        """
        if type(document) is not dict:
            raise EventError("not_an_object", f"an event is a JSON object, this is {_kind(document)}")
        if self.sources or self.as_string:
            document = rename(document, self.sources, self.as_string)
        plain, claimed_ms = plain_identity(document), None
        if plain is None:
            invalid = list(invalid)
            for name in COMPUTED_FIELDS:
                document.pop(name, None)
            self._check_names(document)
            event_id, kind, user_id = document["event_id"], document["type"], document["user_id"]
            invalid += _mend_texts(document)
        else:
            event_id, kind, user_id, claimed_ms = plain
        if kind[0] == SIGN:  # no producer makes follow-ups
            kind = kind.lstrip(SIGN) or event_id
        if claimed_ms is None or self.ts_unit not in ("auto", "ms"):
            invalid = list(invalid)
            claimed_ms = self._claimed(document, arrived_ms, invalid)
        if size_bytes is None or size_bytes > self.max_field_bytes:
            invalid = [*invalid, *self.cut(document)]
        if invalid:
            document[INVALID_FIELDS] = list(invalid)
        if arrived_ms is None or claimed_ms is None:
            document["ts"] = ts_ms = self._only_known(document, claimed_ms, arrived_ms)
            return Event(event_id, kind, user_id, ts_ms, document, content, arrived_ms=arrived_ms)
        document[CLOCK_SKEW] = skew_ms = claimed_ms - arrived_ms
        if -self.clock_tolerance_ms <= skew_ms <= self.clock_tolerance_ms:
            document["ts"] = claimed_ms
            return Event(event_id, kind, user_id, claimed_ms, document, content, arrived_ms=arrived_ms)
        document[CLOCK_SKEW] = max(-LATEST_MS, min(LATEST_MS, skew_ms))
        document["ts"] = arrived_ms
        return Event(event_id, kind, user_id, arrived_ms, document, content, is_skewed=True, arrived_ms=arrived_ms)

    def _only_known(self, document: dict[str, Any], claimed_ms: int | None, arrived_ms: int | None) -> int:
        """The one time that is known of an event. Raises EventError."""
        if arrived_ms is not None:
            document[CLOCK_SKEW] = None
            return arrived_ms
        if claimed_ms is None or not EARLIEST_MS <= claimed_ms <= LATEST_MS:
            raise EventError(
                "absurd_timestamp",
                f"`ts` {document.get('ts')!r} is {claimed_ms} ms since 1970, outside {EARLIEST_MS} to {LATEST_MS}, "
                "and nothing tells when the event arrived; check the time unit in the settings",
            )
        return claimed_ms

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
                problem = f"{where} must have 1 to {MAX_ID_CHARS} characters, it has {len(value)}"
                raise EventError("wrong_length", problem)

    def _claimed(self, document: dict[str, Any], arrived_ms: int | None, invalid: list[str]) -> int | None:
        """The event's own time; None, and `ts` among the invalid fields, where it has none and its arrival is known.
        Raises EventError."""
        value = document.get("ts")
        try:
            if value is None:
                raise _missing("`ts`")
            return epoch_ms(value, self.ts_unit)
        except EventError:
            if arrived_ms is None:
                raise
            invalid.append("ts")
            return None

    def cut(self, document: dict[str, Any]) -> list[str]:
        """Cut the texts that are too long, however deep they are; returns the names of the fields that have some."""
        cut: dict[str, None] = {}
        inner: list[tuple[str, Any]] = [("", document)]
        while inner:
            field, holder = inner.pop()
            places: Iterable[tuple[Any, Any]] = holder.items() if type(holder) is dict else enumerate(holder)
            for name, value in places:
                if type(value) in (dict, list):
                    inner.append((field or name, value))
                elif type(value) is str and len(value) > self.max_field_bytes // 4:
                    data = value.encode("utf-8", "surrogatepass")
                    if len(data) > self.max_field_bytes:
                        holder[name] = data[: self.max_field_bytes].decode("utf-8", "ignore")
                        cut[field or name] = None
        return list(cut)


def _mend_texts(document: dict[str, Any]) -> list[str]:
    """Leave out what must be a text and is none, and an `ip` of several addresses: whoever connects writes what stands
    first in that list. Integers that name something become texts. Returns the names of what was left out."""
    left_out = []
    for name in TEXT_FIELDS:
        value = document.get(name)
        if type(value) is int and name in ID_FIELDS:
            document[name] = str(value)
        elif type(value) not in (str, NoneType) or (name == ADDRESS and "," in (value or "")):
            left_out.append(name)
            del document[name]
    return left_out


def _missing(where: str) -> EventError:
    return EventError("missing_field", f"{where} is missing; map it in the settings if it has another name")


def rename(document: dict[str, Any], sources: Mapping[str, str], as_string: Iterable[str]) -> dict[str, Any]:
    """A document with what stands at these paths under our names too; of `as_string` integers as strings. A name whose
    path has nothing is absent."""
    renamed = dict(document)
    for name, path in sources.items():
        value = lookup(document, path)
        if value is None:
            renamed.pop(name, None)
        else:
            renamed[name] = value
    for name in as_string:
        value = renamed.get(name)
        if type(value) is int:
            renamed[name] = str(value)
    return renamed


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
    expected = {
        "auto": "integer milliseconds since 1970 or an ISO 8601 string",
        "ms": "a number of milliseconds since 1970",
        "s": "a number of seconds since 1970",
        "iso8601": "an ISO 8601 string",
    }[unit]
    raise EventError("wrong_type", f"`ts` must be {expected}, this is {_kind(value)}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
    return "null" if value is None else names.get(type(value), "a number")
