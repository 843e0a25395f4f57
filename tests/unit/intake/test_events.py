"""What becomes of producers' documents; adversaries write what is in them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from engine.errors import EventError
from engine.intake.events import EventMaker
from engine.intake.registry import Registry
from engine.intake_settings import IntakeSettings, SourceSettings
from engine.mappings import EventSettings
from engine.settings import Settings

POST = {"id": "p-1", "author": {"id": 7}, "type": "post", "n": 1}


def make(document: Any, headers: Any = None, settings: Settings | None = None, **source: Any) -> tuple[bytes, Any]:
    async def run() -> tuple[bytes, bytes]:
        registry = Registry(IntakeSettings(), asyncio.Event())
        value = document if isinstance(document, bytes | None) else orjson.dumps(document)
        record = SimpleNamespace(value=value, headers=headers or [], timestamp=1_772_452_800_000)
        return await EventMaker(settings or Settings(), SourceSettings("t", **source), registry).make(record)

    key, value = asyncio.run(run())
    return key, orjson.loads(value)


FIELDS = {"event_id": "id", "user_id": "author.id"}


def test_our_names_stand_beside_theirs() -> None:
    key, event = make(POST, fields=FIELDS, as_string=frozenset(["user_id"]))
    assert key == b"7"
    assert event == {**POST, "event_id": "p-1", "user_id": "7"}


def test_a_message_cannot_say_itself_what_comes_from_a_path() -> None:
    with pytest.raises(EventError) as told:
        make({"id": "p-1", "type": "post", "user_id": "somebody else"}, fields=FIELDS)
    assert told.value.reason == "missing_field"
    assert make({**POST, "user_id": "else", "author": {"id": "anna"}}, fields=FIELDS)[0] == b"anna"


def test_types() -> None:
    given = {**POST, "author": {"id": "anna"}}
    assert make(given, fields=FIELDS, types={"post": "message"})[1]["type"] == "message"
    assert make(given, fields=FIELDS, types={"x": "y"})[1]["type"] == "post"
    assert make(given, fields=FIELDS, type="like")[1]["type"] == "like"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"), (b"", "empty"), (b"{", "not_json"), (b"[]", "not_an_object"), (b"\xff", "not_json"),
        (b"{}", "missing_field"), (b"[" * 9_000, "not_json"), (b" " * 300, "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_event(value: bytes | None, reason: str) -> None:
    settings = Settings(events=EventSettings(max_message_bytes=200 if reason == "too_large" else 10_000))
    with pytest.raises(EventError) as told:
        make(value, settings=settings)
    assert told.value.reason == reason


CLOUD = {
    "specversion": "1.0",
    "id": "c-1",
    "source": "/app",
    "type": "like",
    "subject": "ben",
    "time": "2026-03-02T11:00:00Z",
}


def test_a_cloudevent_in_json() -> None:
    key, event = make({**CLOUD, "data": {"target_id": "p-1", "user_id": "else"}}, format="cloudevents")
    assert key == b"ben"
    assert (event["event_id"], event["ts"], event["target_id"]) == ("c-1", "2026-03-02T11:00:00Z", "p-1")
    assert "data" not in event
    assert make({**CLOUD, "data": {"who": "mia"}}, format="cloudevents", fields={"user_id": "data.who"})[0] == b"mia"


def test_a_cloudevent_with_headers() -> None:
    headers = [(f"ce_{name}", value.encode()) for name, value in CLOUD.items()]
    key, event = make(b'{"target_id": "p-1"}', headers, format="cloudevents")
    assert (key, event["event_id"], event["target_id"]) == (b"ben", "c-1", "p-1")
    with pytest.raises(EventError, match="specversion"):
        make(b'{"id": 1}', format="cloudevents")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb'"half \ud83d"', "half ?"), (b'"\xff"', "\ufffd"), (b"NaN", []), (b"1e999", []),
        *((b"[" * depth + b"]" * depth, None) for depth in (300, 1_000, 2_000)),
    ],
)  # fmt: skip
def test_nothing_in_a_field_keeps_an_event_from_being_one(text: bytes, read: Any) -> None:
    message = b'{"event_id": "p-1", "type": "post", "user_id": "anna", "text": %b}' % text
    told = [("ce_specversion", b"1.0"), ("ce_id", b"p-1"), ("ce_type", b"post"), ("ce_subject", b"anna")]
    for key, event in (make(message), make(message, told, format="cloudevents")):
        assert key == b"anna"
        if text[:1] != b"[":
            assert event["text"] == read


def test_what_is_nested_too_deeply_is_left_out() -> None:
    deep = b"[" * 300 + b',{"a": 1}]'.join([b"[]"] + [b""] * 300)
    event = make(b'{"event_id": "p-1", "type": "post", "user_id": "anna", "deep": %b, "text": "buy"}' % deep)[1]
    depth, inner = 1, event["deep"]
    while inner is not None:
        depth, inner = depth + 1, inner[0]
    assert (depth, event["text"]) == (64, "buy")


def test_a_long_text_that_has_two_names_keeps_no_message_from_being_an_event() -> None:
    settings = Settings(events=EventSettings(max_field_bytes=1_000, max_message_bytes=20_000))
    message = {**POST, "author": {"id": "anna"}, "body": "a" * 15_000}
    event = make(message, settings=settings, fields={**FIELDS, "text": "body"})[1]
    assert event["text"] == event["body"] == "a" * 1_004
    whole = make({**message, "body": "a" * 5_000}, settings=settings, fields={**FIELDS, "text": "body"})[1]
    assert whole["text"] == "a" * 5_000
