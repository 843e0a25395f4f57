"""A rulebook for events that nobody has described."""

from engine.rulebook import load_rulebook
from engine.rulebook.discovery import discover, flattened


def test_what_events_hold_becomes_what_the_model_reads() -> None:
    documents = [
        {"event_id": "1", "ts": 5, "user_id": "A B C D", "target_id": "t", "text": "one two three four", "age": 7,
         "score": 0.5, "agent": {"os": "x", "bot": True}, "urls": ["a", "b"], "empty": None},
    ]  # fmt: skip
    flat = [flattened(document) for document in documents]
    assert flat[0]["agent_os"] == "x"
    assert flat[0]["agent_bot"] == "True"
    assert flat[0]["age_as_name"] == "7"
    spec = load_rulebook({"found.yaml": discover(flat)}).models["spam"]
    assert spec.texts == ("event.text",)
    assert set(spec.categories) == {
        "event.user_id", "event.target_id", "event.agent_os", "event.agent_bot", "event.urls", "event.age_as_name",
    }  # fmt: skip
    assert {"event.age", "event.score", "user_1h", "target_1d"} <= set(spec.numbers)
    assert not any(name.startswith("ip_") for name in spec.numbers)
