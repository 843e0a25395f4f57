"""Protobuf's messages as documents that can stand in JSON."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from engine.errors import EventError

Convert = Callable[[Any, "_Room"], Any]

_START = datetime(1970, 1, 1, tzinfo=UTC)
_FEW_BYTES = 4
"""At least so many bytes of JSON is what stands around a name."""


class _Room:
    """So many bytes of JSON may still come. What is nearly nothing on the wire may have long names in a document."""

    def __init__(self, most_bytes: int) -> None:
        self.left, self._most_bytes = most_bytes, most_bytes

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise EventError("too_large", f"as JSON the message has more than {self._most_bytes} bytes")


class _Field(NamedTuple):
    """`of_key`: of a map's keys, None where it is no map; `convert`: of its values, None where they stay as they are;
    `bytes`: its name with what stands around it."""

    name: str
    may_be_absent: bool
    is_repeated: bool
    of_key: Convert | None
    convert: Convert | None
    bytes: int


class _Plan(NamedTuple):
    """A kind of message. `has`: whether one has a field, whatever its fields are called; `bytes`: of the names that
    it has in any case."""

    fields: list[_Field]
    has: Callable[[Any, str], bool]
    bytes: int


class Documents:
    """Makes documents of one schema's messages. `library`: files whose kinds are Google's own; `texts`: fields of bytes
    that are texts.

    Fields have the names of the `.proto` file. What can be absent and is, stands in no document; what cannot, has its
    default there. Enums are their names, or numbers that have none."""

    def __init__(self, library: Collection[str], texts: Collection[str]) -> None:
        self._library, self._texts = library, texts
        self._plans: dict[str, _Plan] = {}

    def read(self, message: Message, most_bytes: int) -> dict[str, Any]:
        """The document. Raises EventError where it would have more than `most_bytes` as JSON."""
        return self._read(message, _Room(most_bytes))

    def _read(self, message: Any, room: _Room) -> dict[str, Any]:
        kind = message.DESCRIPTOR
        plan = self._plans.get(kind.full_name) or self._plan(kind)
        room.take(plan.bytes)
        document, has = {}, plan.has
        for name, may_be_absent, is_repeated, of_key, convert, count in plan.fields:
            if may_be_absent:
                if not has(message, name):
                    continue
                room.take(count)
            value = getattr(message, name)
            if of_key is not None:
                room.take(_FEW_BYTES * len(value))
                value = {
                    of_key(key, room): one if convert is None else convert(one, room) for key, one in value.items()
                }
            elif is_repeated:
                room.take(2 * len(value))
                value = list(value) if convert is None else [convert(one, room) for one in value]
            elif convert is not None:
                value = convert(value, room)
            document[name] = value
        return document

    def _plan(self, kind: Descriptor) -> _Plan:
        fields = [self._field(field) for field in kind.fields]
        always = sum(field.bytes for field in fields if not field.may_be_absent)
        plan = self._plans[kind.full_name] = _Plan(fields, GetMessageClass(kind).HasField, always + 2)
        return plan

    def _field(self, field: FieldDescriptor) -> _Field:
        inner = field.message_type
        of_key, valued = None, field
        if inner is not None and inner.GetOptions().map_entry:
            of_key, valued = _key, inner.fields_by_name["value"]
        name, is_repeated = field.name, field.is_repeated
        may_be_absent = field.has_presence and not is_repeated
        return _Field(name, may_be_absent, is_repeated, of_key, self._convert(valued), len(name) + _FEW_BYTES)

    def _convert(self, field: FieldDescriptor) -> Convert | None:
        if field.enum_type is not None:
            return _names({value.number: value.name for value in reversed(field.enum_type.values)})
        inner = field.message_type
        if inner is None:
            return _text if field.full_name in self._texts else None
        return (_WELL_KNOWN.get(inner.full_name) if inner.file.name in self._library else None) or self._read


def _text(value: bytes, room: _Room) -> str:
    return value.decode("utf-8", "replace")


def _key(key: Any, room: _Room) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _names(names: dict[int, str]) -> Convert:
    def name(number: int, room: _Room) -> Any:
        found = names.get(number, number)
        room.take(len(found) if isinstance(found, str) else 1)
        return found

    return name


def _timestamp(message: Any, room: _Room) -> Any:
    room.take(_FEW_BYTES)
    try:
        return (_START + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)).isoformat()
    except OverflowError:  # no calendar has it
        return {"seconds": message.seconds, "nanos": message.nanos}


def _duration(message: Any, room: _Room) -> float:
    return float(message.seconds + message.nanos / 1e9)


def _wrapped(message: Any, room: _Room) -> Any:
    return message.value


def _wrapped_text(message: Any, room: _Room) -> str:
    return _text(message.value, room)


def _struct(message: Any, room: _Room) -> dict[str, Any]:
    return {name: _any_value(value, room) for name, value in message.fields.items()}


def _listed(message: Any, room: _Room) -> list[Any]:
    return [_any_value(value, room) for value in message.values]


def _any_value(message: Any, room: _Room) -> Any:
    room.take(_FEW_BYTES)
    which = message.WhichOneof("kind")
    if which is None or which == "null_value":
        return None
    value = getattr(message, which)
    convert = {"struct_value": _struct, "list_value": _listed, "string_value": _text}.get(which)
    return value if convert is None else convert(value, room)


_WELL_KNOWN: dict[str, Convert] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _listed,
    "google.protobuf.Value": _any_value,
    **{
        f"google.protobuf.{name}Value": _wrapped
        for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "Bytes")
    },
    "google.protobuf.StringValue": _wrapped_text,
}
