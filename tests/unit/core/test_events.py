"""Reading events out of other people's messages."""

from typing import Any

import pytest

from engine.core.events import EARLIEST_MS, FieldMapping, lookup
from engine.errors import EventError

GOOD: dict[str, Any] = {"event_id": "e1", "type": "post", "user_id": "u1", "ts": 1_760_000_000_000}


def reason(document: object, mapping: FieldMapping | None = None, arrived_ms: int | None = None) -> str:
    with pytest.raises(EventError) as caught:
        (mapping or FieldMapping()).read(document, arrived_ms)
    return caught.value.reason


def test_a_plain_event_is_read_as_it_is() -> None:
    event = FieldMapping().read({**GOOD, "text": "hello", "anything": {"nested": 1}})
    assert (event.event_id, event.type, event.user_id, event.ts_ms) == ("e1", "post", "u1", 1_760_000_000_000)
    assert event.fields["anything"] == {"nested": 1}


@pytest.mark.parametrize("name", ["event_id", "type", "user_id", "ts"])
def test_what_is_missing_is_named(name: str) -> None:
    document = {key: value for key, value in GOOD.items() if key != name}
    assert reason(document) == "missing_field"
    with pytest.raises(EventError, match=f"`{name}` is missing"):
        FieldMapping().read(document)


@pytest.mark.parametrize(
    "change",
    [{"user_id": 5}, {"event_id": None, "type": 1}, {"ts": "yesterday"}, {"ts": True}, {"ts": 1.5}, {"ts": []},
     {"text": 7}, {"ip": ["10.0.0.1"]}],
)  # fmt: skip
def test_wrong_types_are_refused(change: dict[str, Any]) -> None:
    assert reason({**GOOD, **change}) in ("wrong_type", "missing_field")


@pytest.mark.parametrize("document", [None, [], "event", 5, True])
def test_only_objects_are_events(document: object) -> None:
    assert reason(document) == "not_an_object"


@pytest.mark.parametrize("ts", [0, -1, 1_760_000_000, EARLIEST_MS - 1, 10**17, "0001-01-01T00:00:00", "9999-12-31"])
def test_absurd_times_are_refused(ts: int | str) -> None:
    assert reason({**GOOD, "ts": ts}) == "absurd_timestamp"


def test_a_time_far_ahead_of_its_arrival_is_refused() -> None:
    arrived_ms = GOOD["ts"] - 2 * 86_400_000
    assert reason(GOOD, arrived_ms=arrived_ms) == "absurd_timestamp"
    assert FieldMapping().read(GOOD, arrived_ms=GOOD["ts"] - 3_600_000).ts_ms == GOOD["ts"]


@pytest.mark.parametrize(
    ("unit", "ts"),
    [("auto", 1_760_000_000_000), ("auto", "2025-10-09T08:53:20Z"), ("auto", "2025-10-09T10:53:20+02:00"),
     ("auto", "2025-10-09T08:53:20"), ("ms", 1_760_000_000_000), ("s", 1_760_000_000), ("s", 1_760_000_000.0),
     ("iso8601", "2025-10-09T08:53:20.000+00:00")],
)  # fmt: skip
def test_times_are_read_in_their_unit(unit: Any, ts: object) -> None:
    assert FieldMapping(ts_unit=unit).read({**GOOD, "ts": ts}).ts_ms == 1_760_000_000_000


def test_an_iso_time_is_no_epoch_second() -> None:
    assert reason({**GOOD, "ts": "2025-10-09"}, FieldMapping(ts_unit="s")) == "wrong_type"


def test_other_peoples_names_are_mapped() -> None:
    mapping = FieldMapping(
        {"event_id": "id", "type": "kind", "user_id": "actor.account.id", "ts": "created"}, "s", frozenset({"user_id"})
    )
    event = mapping.read({"id": "x", "kind": "post", "actor": {"account": {"id": 17}}, "created": 1_760_000_000})
    assert (event.user_id, event.ts_ms) == ("17", 1_760_000_000_000)
    with pytest.raises(EventError, match=r"`actor\.account\.id`, mapped to `user_id`, is missing"):
        mapping.read({"id": "x", "kind": "post", "actor": {}, "created": 1_760_000_000})


def test_a_mapped_name_that_is_absent_hides_a_field_of_that_name() -> None:
    mapping = FieldMapping({"text": "body.text"})
    assert "text" not in mapping.read({**GOOD, "text": "not this one"}).fields


def test_long_values_and_ids_are_refused() -> None:
    assert reason({**GOOD, "text": "x" * 70_000}) == "too_large"
    assert reason({**GOOD, "text": "ü" * 40_000}) == "too_large"
    assert FieldMapping().read({**GOOD, "text": "x" * 60_000}).event_id == "e1"
    assert reason({**GOOD, "event_id": "x" * 300}) == "wrong_length"
    assert reason({**GOOD, "user_id": ""}) == "wrong_length"


def test_a_dotted_path_finds_nested_values_and_literal_keys() -> None:
    assert lookup({"a": {"b": 1}}, "a.b") == 1
    assert lookup({"a.b": 2, "a": {"b": 1}}, "a.b") == 2
    assert lookup({"a": [1]}, "a.b") is None
