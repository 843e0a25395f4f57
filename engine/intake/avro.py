"""Avro by schemas and bytes that strangers may have written, at a cost that the message's length bounds.

Three things have none in fastavro: an array of what takes no bytes may be as long as its count says; a schema that has
itself inside is read by calls in calls, until the process ends; a decimal of a megabyte takes minutes.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import fastavro
import orjson
from fastavro import _read_py
from fastavro.read import LOGICAL_READERS

from engine.intake.schemas import Language, Written

_MOST_FREE = 256
"""So many values may come of no bytes at a time, such as records inside of records."""
_MOST_DEPTH = 100
_MOST_DECIMAL_BYTES = 64


class _Cost(NamedTuple):
    """Of a schema. `free`: values that come of no bytes; `is_free`: all of it does; `depth`: schemas inside of it."""

    free: int = 0
    is_free: bool = False
    depth: int = 0


class AvroSchema:
    """A parsed schema; `named`: all that it refers to; `opens`: it is a record of this one field, which is wanted.
    Raises ValueError for one by which few bytes become much."""

    def __init__(self, parsed: Any, named: Mapping[str, Any], opens: str = "") -> None:
        self._parsed, self._named, self._opens = parsed, named, opens
        self._costs: dict[str, _Cost | None] = {}
        self._has_itself = False
        is_deep = self._cost(parsed).depth > _MOST_DEPTH or self._has_itself
        # The one in Python is slower, and raises where the other one would end the process.
        self._read = _read_py.schemaless_reader if is_deep else fastavro.schemaless_reader

    def read(self, file: io.BytesIO) -> Any:
        """The next value of a file. Raises whatever fastavro does for what is not as the schema says."""
        value = self._read(file, self._parsed, None, handle_unicode_errors="replace")
        return value[self._opens] if self._opens else value

    def _cost(self, schema: Any) -> _Cost:
        if isinstance(schema, list):
            return _Cost(depth=1 + max((self._cost(one).depth for one in schema), default=0))
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind == "array":
            items = self._cost(schema["items"])
            if items.is_free:
                raise ValueError("the items of an array take no bytes")
            return _Cost(depth=1 + items.depth)
        if kind == "map":
            return _Cost(depth=1 + self._cost(schema["values"]).depth)
        if kind == "fixed":
            return _Cost(1, True) if not schema["size"] else _Cost()
        if kind in ("record", "error"):
            return self._cost_of_record(schema)
        if kind == "null":
            return _Cost(1, True)
        return self._cost(self._named[kind]) if kind in self._named else _Cost()

    def _cost_of_record(self, schema: Mapping[str, Any]) -> _Cost:
        name = schema["name"]
        if name in self._costs:
            known = self._costs[name]
            self._has_itself |= known is None
            return known or _Cost()
        self._costs[name] = None
        fields = [self._cost(field["type"]) for field in schema["fields"]]
        cost = self._costs[name] = _Cost(
            1 + sum(one.free for one in fields), all(one.is_free for one in fields),
            1 + max((one.depth for one in fields), default=0),
        )  # fmt: skip
        if cost.free > _MOST_FREE:
            raise ValueError(f"more than {_MOST_FREE} values of {name} take no bytes")
        return cost


def _bounded(read: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(data: bytes, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        if len(data) > _MOST_DECIMAL_BYTES:
            raise ValueError(f"a decimal of {len(data)} bytes, more than {_MOST_DECIMAL_BYTES}")
        return read(data, writer_schema, reader_schema)

    return bounded


def _or_plain(read: Callable[..., Any]) -> Callable[..., Any]:
    def or_plain(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        try:
            return read(data, writer_schema, reader_schema)
        except (OverflowError, ValueError):  # no calendar has it
            return data

    return or_plain


for _kind, _reader in list(LOGICAL_READERS.items()):
    LOGICAL_READERS[_kind] = (_bounded if _kind.endswith("-decimal") else _or_plain)(_reader)


def parse_avro(written: Written) -> AvroSchema:
    """The schema that a registry has. Raises whatever fastavro does for what is none, and ValueError as AvroSchema."""
    named: dict[str, Any] = {}
    for text in written.referred.values():
        AvroSchema(fastavro.parse_schema(orjson.loads(text), named_schemas=named), named)
    schema, opens = orjson.loads(written.text), ""
    if isinstance(schema, list):
        # A record of one field has the same bytes as the field. fastavro parses a bare union again for each message, at
        # a cost that grows with the square of its kinds.
        opens = "union"
        schema = {"type": "record", "name": "floodgate.Union", "fields": [{"name": opens, "type": schema}]}
    return AvroSchema(fastavro.parse_schema(schema, named_schemas=named), named, opens)


AVRO = Language("AVRO", parse_avro)
