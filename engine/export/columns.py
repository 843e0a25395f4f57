"""Columns of a table, made of the topic's declared schema: new fields of messages become new columns by themselves."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pyarrow as pa

from engine.core.domain.events import LATEST_MS, epoch_ms
from engine.errors import EventError
from engine.stream.admin.schemas import topic_schema

Convert = Callable[[Any], Any]

_MOMENT = pa.timestamp("ms", tz="UTC")
_INT64 = range(-(2**63), 2**63)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value in _INT64 else None


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _json(value: Any) -> str | None:
    try:
        return None if value is None else orjson.dumps(value).decode()
    except TypeError:  # nested more deeply than it can be written
        return None


def _moment(value: Any) -> int | None:
    try:
        at = None if value is None else epoch_ms(value, "auto")
    except EventError:
        return None
    return at if at is not None and 0 <= at <= LATEST_MS else None


_PLAIN: Mapping[str, tuple[Any, Convert]] = {
    "string": (pa.string(), _text), "integer": (pa.int64(), _whole), "number": (pa.float64(), _number),
    "boolean": (pa.bool_(), _truth),
}  # fmt: skip


class Columns:
    """The columns of a topic: where a message stands, when it was published, and its fields. What is not of a field's
    type is null; what may be of any type is JSON."""

    def __init__(self, topic: str) -> None:
        fields = [_of(name, schema) for name, schema in topic_schema(topic)["properties"].items()]
        self._converts = {name: convert for name, _, convert in fields}
        place = [("kafka_partition", pa.int32()), ("kafka_offset", pa.int64()), ("published", _MOMENT)]
        self.schema = pa.schema([*place, *((name, kind) for name, kind, _ in fields)])

    def row(self, partition: int, offset: int, published_ms: int, document: Mapping[str, Any]) -> dict[str, Any]:
        """A message as a row."""
        row: dict[str, Any] = {"kafka_partition": partition, "kafka_offset": offset, "published": published_ms}
        for name, convert in self._converts.items():
            row[name] = convert(document.get(name))
        return row


def _of(name: str, schema: Mapping[str, Any]) -> tuple[str, Any, Convert]:
    return name, *((_MOMENT, _moment) if name == "ts" else _typed(schema))


def _typed(schema: Mapping[str, Any]) -> tuple[Any, Convert]:
    kinds = schema.get("type", [])
    kinds = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    if "enum" in schema:
        return _PLAIN["string"]
    if "const" in schema:
        return _PLAIN["boolean"]
    if len(kinds) == 1 and kinds[0] in _PLAIN:
        return _PLAIN[kinds[0]]
    if kinds == ["array"] and "items" in schema:
        return _list(*_typed(schema["items"]))
    if kinds == ["object"] and "properties" in schema:
        return _struct([_of(name, field) for name, field in schema["properties"].items()])
    if kinds == ["object"] and _is_plain(schema.get("additionalProperties", {})):
        return _map(*_typed(schema["additionalProperties"]))
    return pa.string(), _json


def _is_plain(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind in _PLAIN or (kind == "array" and _is_plain(schema.get("items", {})))


def _list(kind: Any, convert: Convert) -> tuple[Any, Convert]:
    return pa.list_(kind), lambda value: [convert(one) for one in value] if isinstance(value, list) else None


def _struct(fields: list[tuple[str, Any, Convert]]) -> tuple[Any, Convert]:
    def converted(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        return {name: convert(value.get(name)) for name, _, convert in fields}

    return pa.struct([(name, kind) for name, kind, _ in fields]), converted


def _map(kind: Any, convert: Convert) -> tuple[Any, Convert]:
    return pa.map_(
        pa.string(), kind
    ), lambda value: [(name, convert(one)) for name, one in value.items()] if isinstance(value, dict) else None
