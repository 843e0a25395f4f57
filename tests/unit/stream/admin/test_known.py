"""Which events the engine knows, by what its topics have."""

import msgspec
import orjson
import pytest

from engine.mappings import EventSettings
from engine.settings import Settings
from engine.stream.admin import known
from engine.stream.admin.known import find_known_actions, find_known_events
from tests.unit.stream.broker import topics_of
from tests.unit.stream.signed import record


def of(topic: str, *documents: object) -> list[object]:
    return [record(topic, b"u", orjson.dumps(one)) for one in documents]


def test_events_are_known_from_any_of_three_topics_and_by_their_own_field(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = {
        "review": of("review", {"event_id": "e1"}, [], {"event_id": 5}),
        "decisions": [*of("decisions", {"event_id": "e2"}), record("decisions", b"u", b"junk")],
        "events": of("events", {"id": "e3", "event_id": "e4"}),
        "actions": of("actions", {"action_id": "a1", "event_id": "e5"}),
    }
    monkeypatch.setattr(known, "read_all", topics_of(topics))
    wanted = [f"e{at}" for at in range(1, 6)]
    settings = Settings()
    mapped = msgspec.structs.replace(settings, events=EventSettings(fields={"event_id": "id"}))
    assert find_known_events(settings, wanted) == {"e1", "e2", "e4"}
    assert find_known_events(mapped, wanted) == {"e1", "e2", "e3"}
    assert find_known_events(settings, ["e1"]) == {"e1"}
    assert find_known_events(settings, ["5"]) == {"5"}  # an id that came as a number
    assert find_known_actions(settings, ["a1", "e5"]) == {"a1"}
