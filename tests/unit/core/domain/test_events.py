"""Reading events out of other people's messages."""

from typing import Any

import pytest

from engine.core.domain.events import CLOCK_TOLERANCE_MS, EARLIEST_MS, LATEST_MS, FieldMapping
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
    [{"user_id": 5}, {"event_id": None, "type": 1}, {"ts": "yesterday"}, {"ts": True}, {"ts": 1.5}, {"ts": []}],
)  # fmt: skip
def test_without_identity_or_any_time_there_is_no_event(change: dict[str, Any]) -> None:
    assert reason({**GOOD, **change}) in ("wrong_type", "missing_field")


@pytest.mark.parametrize("document", [None, [], "event", 5, True])
def test_only_objects_are_events(document: object) -> None:
    assert reason(document) == "not_an_object"


@pytest.mark.parametrize("ts", [0, -1, 1_760_000_000, EARLIEST_MS - 1, 10**17, "0001-01-01T00:00:00", "9999-12-31"])
def test_absurd_times_are_refused(ts: int | str) -> None:
    assert reason({**GOOD, "ts": ts}) == "absurd_timestamp"


@pytest.mark.parametrize(
    ("ts", "believed", "skew"),
    [(0, 0, 0), (CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS),
     (-CLOCK_TOLERANCE_MS, -CLOCK_TOLERANCE_MS, -CLOCK_TOLERANCE_MS), (CLOCK_TOLERANCE_MS + 1, 0, 120_001),
     (-2 * 86_400_000, 0, -2 * 86_400_000), (23 * 3_600_000, 0, 23 * 3_600_000), (10**17, 0, LATEST_MS)],
)  # fmt: skip
def test_an_events_own_time_is_believed_near_its_arrival_and_nowhere_else(ts: int, believed: int, skew: int) -> None:
    arrived_ms = GOOD["ts"]
    event = FieldMapping().read({**GOOD, "ts": arrived_ms + ts}, arrived_ms=arrived_ms)
    assert event.ts_ms == event.fields["ts"] == arrived_ms + believed
    assert event.fields["clock_skew"] == skew
    assert "invalid_fields" not in event.fields


@pytest.mark.parametrize("ts", ["yesterday", None, True, [], 1.5])
def test_an_event_whose_time_cannot_be_read_goes_by_its_arrival(ts: object) -> None:
    event = FieldMapping().read({**GOOD, "ts": ts}, arrived_ms=GOOD["ts"] + 7)
    assert event.ts_ms == event.fields["ts"] == GOOD["ts"] + 7
    assert event.fields["clock_skew"] is None
    assert event.fields["invalid_fields"] == ["ts"]


@pytest.mark.parametrize("name", ["device_id", "target_id"])
def test_an_id_that_is_an_integer_is_its_text(name: str) -> None:
    assert FieldMapping().read({**GOOD, name: 7}).fields == {**GOOD, name: "7"}


@pytest.mark.parametrize("name", ["text", "ip"])
def test_a_text_that_is_an_integer_is_left_out(name: str) -> None:
    assert FieldMapping().read({**GOOD, name: 7}).fields == {**GOOD, "invalid_fields": [name]}


@pytest.mark.parametrize("extra", [{}, {"device_id": 7}])
def test_a_list_of_addresses_is_none_of_them(extra: dict[str, Any]) -> None:
    event = FieldMapping().read({**GOOD, **extra, "ip": "1.2.3.4, 5.6.7.8"})
    assert "ip" not in event.fields
    assert event.fields["invalid_fields"] == ["ip"]


@pytest.mark.parametrize("value", [["10.0.0.1"], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("name", ["text", "ip", "device_id", "target_id"])
def test_a_bad_field_is_left_out_and_named_and_exempts_nobody(name: str, value: object) -> None:
    event = FieldMapping().read({**GOOD, "other": 1, name: value})
    assert name not in event.fields
    assert event.fields["invalid_fields"] == [name]
    assert event.fields["other"] == 1


def test_a_field_that_is_null_is_missing_and_not_wrong() -> None:
    assert "invalid_fields" not in FieldMapping().read({**GOOD, "device_id": None}).fields


def test_nobody_writes_what_the_engine_finds_out() -> None:
    claimed = {"clock_skew": 5, "invalid_fields": ["x"], "conflicting_ids": True}
    assert FieldMapping().read({**GOOD, **claimed}).fields == GOOD
    mapped = FieldMapping({"clock_skew": "skew"}).read({**GOOD, "skew": 5})
    assert "clock_skew" not in mapped.fields


def test_an_event_is_known_by_its_user_its_type_and_its_id() -> None:
    read = FieldMapping().read
    events = [read({**GOOD, **change}) for change in ({}, {"user_id": "u2"}, {"type": "comment"}, {"event_id": "e2"})]
    assert len({event.identify() for event in events}) == 4
    assert read(dict(GOOD)).identify() == events[0].identify()
    odd = [read({**GOOD, "user_id": "a1", "type": "1:b"}), read({**GOOD, "user_id": "a", "type": "11:b"})]
    assert odd[0].identify() != odd[1].identify()


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


@pytest.mark.parametrize("text", ["x" * 70_000, "ü" * 40_000, "😀" * 20_000])
def test_long_texts_are_cut_and_named(text: str) -> None:
    event = FieldMapping().read({**GOOD, "text": text, "bio": text})
    assert event.fields["invalid_fields"] == ["text", "bio"]
    assert text.startswith(event.fields["text"])
    assert 65_530 <= len(event.fields["text"].encode()) <= 65_536


def test_long_ids_are_refused() -> None:
    assert FieldMapping().read({**GOOD, "text": "x" * 60_000}).fields["text"] == "x" * 60_000
    assert reason({**GOOD, "event_id": "x" * 300}) == "wrong_length"
    assert reason({**GOOD, "user_id": ""}) == "wrong_length"
