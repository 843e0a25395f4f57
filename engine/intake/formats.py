"""What producers' messages say, whatever they are written in."""

import io
from base64 import b64encode
from collections.abc import Awaitable, Callable
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from engine.errors import EventError
from engine.intake.avro import AVRO
from engine.intake.json_schema import JSON_SCHEMA, JsonSchema, read_schema_file
from engine.intake.protobuf import PROTOBUF
from engine.intake.registry import Schemas
from engine.intake_settings import SourceSettings
from engine.stream.handlers.malformed import MAX_DEPTH, read_malformed

Document = dict[str, Any]
Read = Callable[[Any], Awaitable[Document]]
"""The document in a record. Raises EventError."""

_ATTRIBUTES = ("id", "source", "type", "subject", "time")


def reader_of(source: SourceSettings, schemas: Schemas, most_bytes: int) -> Read:
    """What reads the messages of a source, whose documents have at most `most_bytes` as JSON. Raises SettingsError."""
    plain: dict[str, Read] = {"json": _read_json, "cloudevents": _read_cloudevent}
    if source.format in plain:
        read = plain[source.format]
        if source.schema_file:
            return _Checked(read, read_schema_file(source.schema_file)).read
        return _CheckedByRegistry(read, schemas).read if source.schema_in_registry else read
    return _AvroReader(schemas).read if source.format == "avro" else _ProtobufReader(schemas, most_bytes).read


async def _read_json(record: Any) -> Document:
    return _object(_json(_without_schema_id(record.value)))


class _Checked:
    """By one schema."""

    def __init__(self, read: Read, schema: JsonSchema) -> None:
        self._read, self._schema = read, schema

    async def read(self, record: Any) -> Document:
        document = await self._read(record)
        self._schema.check(document, len(record.value))
        return document


class _CheckedByRegistry:
    """Each by the schema that its producer names."""

    def __init__(self, read: Read, schemas: Schemas) -> None:
        self._read, self._schemas = read, schemas

    async def read(self, record: Any) -> Document:
        schema = await self._schemas.schema(_schema_number(record.value), JSON_SCHEMA)
        document = await self._read(record)
        schema.check(document, len(record.value))
        return document


class _ProtobufReader:
    def __init__(self, schemas: Schemas, most_bytes: int) -> None:
        self._schemas, self._most_bytes = schemas, most_bytes

    async def read(self, record: Any) -> Document:
        value: bytes = record.value
        schema = await self._schemas.schema(_schema_number(value), PROTOBUF)
        return schema.read(value, 5, self._most_bytes)


class _AvroReader:
    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    async def read(self, record: Any) -> Document:
        value: bytes = record.value
        schema = await self._schemas.schema(_schema_number(value), AVRO)
        rest = io.BytesIO(value)
        rest.seek(5)
        try:
            document = schema.read(rest)
        except Exception as error:  # whatever bytes make of it
            raise EventError("not_avro", f"the message is not as its schema says: {error!r}"[:500]) from error
        if rest.tell() != len(value):
            raise EventError("not_avro", f"{len(value) - rest.tell()} bytes are left behind what the schema says")
        return _object(document)


async def _read_cloudevent(record: Any) -> Document:
    """Its attributes by their names, `data` beside them."""
    headers = {name.lower(): value.decode("utf-8", "replace") for name, value in record.headers or () if value}
    if "ce_specversion" in headers:
        found = {name: headers[f"ce_{name}"] for name in _ATTRIBUTES if f"ce_{name}" in headers}
        return {**found, "data": _json(_without_schema_id(record.value))}
    document = _object(_json(record.value))
    if "specversion" not in document:
        raise EventError("no_cloudevent", "neither the message nor its headers have a `specversion`")
    return document


def encode_event(document: Document) -> bytes:
    """An event as JSON: the same bytes for the same document. It takes over one that is nested too deeply, or that has
    NaN or an infinite number: as in JSON of careless writers these become empty lists, which no rule takes for nothing.
    """
    try:
        encoded = orjson.dumps(document, default=_plain)
    except TypeError:
        _make_shallow(document)
        encoded = _encode_shallow(document)
    # orjson writes them as null. Most messages that have a null have no such number, and are written once.
    return _encode_shallow(document) if b"null" in encoded and _replace_endless(document) else encoded


def _encode_shallow(document: Document) -> bytes:
    try:
        return orjson.dumps(document, default=_plain)
    except TypeError as error:
        raise EventError("not_json", f"the message cannot be written as JSON: {error}") from error


def _replace_endless(document: Document) -> bool:
    """Put an empty list where a number is none or has no end; returns whether there was one."""
    holders, found = list[Any]([document]), False
    while holders:
        holder = holders.pop()
        for place, value in holder.items() if type(holder) is dict else enumerate(holder):
            if type(value) is float:
                if not isfinite(value):
                    holder[place], found = [], True  # no key is added: this may go on
            elif type(value) in (dict, list):
                holders.append(value)
    return found


def _make_shallow(document: Document) -> None:
    """Leave out what is nested too deeply, as where events are read: it must not keep an event from being decided."""
    holders: list[Any] = [document]
    for depth in range(1, MAX_DEPTH + 1):
        inner: list[Any] = []
        for holder in holders:
            for place, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
                if isinstance(value, dict | list):
                    inner.append(value)
                    if depth == MAX_DEPTH:
                        holder[place] = None
        holders = inner


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        number = float(value)
        return number if isfinite(number) else []
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _schema_number(value: bytes) -> int:
    if len(value) < 5 or value[0] != 0:
        raise EventError("no_schema_id", "the message does not begin with 0 and the number of a schema")
    return int.from_bytes(value[1:5], "big")


def _without_schema_id(value: bytes) -> bytes:
    """JSON that a producer of a registry has written has five bytes in front."""
    return value[5:] if value[:1] == b"\x00" else value


def _json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:  # half a character that somebody has typed must not keep an event from being decided
        return read_malformed(value)


def _object(document: Any) -> Document:
    if not isinstance(document, dict):
        raise EventError("not_an_object", "the message is no object with fields")
    return document
