"""Avro that few bytes of would become much, or end the process."""

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from engine.intake.avro import AvroSchema, parse_avro
from engine.intake.schemas import Written
from tests.costs import cost_by_length

TREE = {"type": "record", "name": "Tree", "fields": [{"name": "inner", "type": ["null", "Tree"]}]}
PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
EMPTY = {"type": "record", "name": "Empty", "fields": [{"name": "none", "type": "null"}]}


def made(schema: Any) -> AvroSchema:
    named: dict[str, Any] = {}
    return AvroSchema(fastavro.parse_schema(schema, named_schemas=named), named)


def record(name: str, *types: Any) -> dict[str, Any]:
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def length(size: int) -> bytes:
    size, data = size << 1, b""
    while size > 127:
        size, data = size >> 7, data + bytes([size & 127 | 128])
    return data + bytes([size])


def test_a_schema_that_has_itself_inside_is_read_to_a_depth() -> None:
    assert made(TREE).read(io.BytesIO(b"\x02\x00")) == {"inner": {"inner": None}}
    with pytest.raises(RecursionError):
        made(TREE).read(io.BytesIO(b"\x02" * 1_000_000 + b"\x00"))


def test_names_inside_of_names_are_read_to_a_depth() -> None:
    below = [record("R0", "string"), *(record(f"R{number}", f"R{number - 1}", "string") for number in range(1, 256))]
    below += [record(f"S{number}", ["null", f"S{number - 1}" if number else "R255"]) for number in range(2_000)]
    with pytest.raises(RecursionError):
        made(below).read(io.BytesIO(length(len(below) - 1) + b"\x02" * 2_000 + b"\x00" * 256))


@pytest.mark.parametrize("items", ["null", EMPTY, {"type": "fixed", "name": "F", "size": 0}, record("R", EMPTY)])
def test_an_array_of_what_takes_no_bytes_is_refused(items: Any) -> None:
    with pytest.raises(ValueError, match="take no bytes"):
        made(record("Post", "string", ["null", {"type": "array", "items": items}]))


def test_records_of_records_that_take_no_bytes_are_refused() -> None:
    schema: Any = EMPTY
    for level in range(9):
        name = schema["name"]
        schema = record(f"R{level}", schema, *[name] * 9)
    with pytest.raises(ValueError, match="take no bytes"):
        made(schema)


def test_a_decimal_of_many_bytes_is_refused_before_it_is_a_number() -> None:
    price = made(record("Post", PRICE))
    assert price.read(io.BytesIO(b"\x04\x03\xb6")) == {"f0": Decimal("9.50")}
    with cost_by_length(), pytest.raises(ValueError, match="decimal"):
        price.read(io.BytesIO(length(3_000_000) + b"\x7f" * 3_000_000))


def test_what_producers_have_is_read() -> None:
    author = record("Author", "string", ["null", "string"])
    post = made(record("Post", author, {"type": "array", "items": "Author"}, {"type": "map", "values": "long"}, "null"))
    data = io.BytesIO()
    said = {"f0": "a", "f1": None}
    document = {"f0": said, "f1": [said, said], "f2": {"n": 7}, "f3": None}
    named = record("Post", author, {"type": "array", "items": "Author"}, {"type": "map", "values": "long"}, "null")
    fastavro.schemaless_writer(data, fastavro.parse_schema(named), document)
    data.seek(0)
    assert post.read(data) == document


def test_times_that_no_calendar_has_stay_numbers_and_texts_that_are_none_lose_what_is_wrong() -> None:
    moment, day = {"type": "long", "logicalType": "timestamp-millis"}, {"type": "int", "logicalType": "date"}
    for schema in (record("Post", moment, day, "string"), record("Post", moment, day, "string", ["null", "Post"])):
        data = length(1 << 61) + length(1 << 30) + b"\x06a\xed\xa0" + b"\x00" * (len(schema["fields"]) - 3)
        assert list(made(schema).read(io.BytesIO(data)).values())[:3] == [1 << 61, 1 << 30, "a\ufffd\ufffd"]


def test_a_message_of_many_kinds_costs_what_one_costs() -> None:
    kinds = [record(f"R{number}", ["null", "R0"] if number else "string") for number in range(800)]
    schema = parse_avro(Written(json.dumps(kinds), {}))
    message = length(1) + b"\x02" + length(3) + b"ann"
    assert schema.read(io.BytesIO(message)) == {"f0": {"f0": "ann"}}
    with cost_by_length():  # parsed anew, each message took ten milliseconds
        for _ in range(5_000):
            schema.read(io.BytesIO(message))
