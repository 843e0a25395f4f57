"""Avro's values as JSON, and the same bytes each time."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from engine.errors import EventError
from engine.intake.formats import encode_event


def test_what_avro_has_and_json_has_not() -> None:
    document = {
        "at": datetime(2026, 3, 2, 11, tzinfo=UTC), "price": Decimal("9.50"), "raw": b"caf\xc3\xa9", "bin": b"\xff\x00",
        "nan": float("nan"), "inner": [{"far": float("-inf"), "none": None}, 1.5], "vast": Decimal("1e400"),
    }  # fmt: skip
    assert orjson.loads(encode_event(document)) == {
        "at": "2026-03-02T11:00:00+00:00", "price": 9.5, "raw": "café", "bin": "/wA=", "nan": [],
        "inner": [{"far": [], "none": None}, 1.5], "vast": [],
    }  # fmt: skip
    assert encode_event(document) == encode_event(dict(document))


def test_what_cannot_be_written_is_told() -> None:
    with pytest.raises(EventError) as told:
        encode_event({"x": object()})
    assert told.value.reason == "not_json"
