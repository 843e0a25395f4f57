"""A rulebook with a rule that names every signal."""

from typing import Any

import orjson
import pytest

from engine.core.domain.rules import Rulebook
from engine.errors import RulebookError
from engine.rulebook.tools.observation import OBSERVED, observe
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

RULES = """
version: 1
fields: {urls: list, age: {type: duration, unit: d, from: author.age_days}, note: text}
values:
  size: len(text)
  last_ip: {last: ip, of: post, by: user_id, keep: 1d}
counters:
  posts_1h: {count: post, by: user_id, over: 1h}
  network_1h: {distinct: user_id, of: post, by: ip_prefix, over: 1h}
derived: {twice: posts_1h * 2}
marks: {watched: {by: user_id, for: 1d}}
params: {limit: 5}
scores:
  risk:
    'posts_1h > 1': 3
models: {spam: {numbers: [posts_1h, event.weight], categories: [ip]}}
rules:
  flood: {event: post, when: [posts_1h > params.limit], then: {mark: watched}}
  sly: {event: post, when: [rule.flood, score.spam > 0.9], then: {flag: x}}
"""


def told(rulebook: Rulebook, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """What the rule has read of each event."""
    lines = [
        orjson.dumps({"event_id": f"e{at}", "type": "post", "user_id": "u", "ts": START_MS + at, **event})
        for at, event in enumerate(events)
    ]
    settings = Settings()
    messages = OfflineEngine(rulebook, settings).run([Arrival("event", 0, line) for line in lines])
    decisions = [orjson.loads(one.value) for one in messages if one.topic == settings.topics.decisions]
    hits = [hit for decision in decisions for hit in decision["hits"] if hit["rule"] == OBSERVED]
    return [hit["clauses"][0]["value"] for hit in hits]


def test_all_that_has_a_value_at_an_event_is_a_signal() -> None:
    signals = observe({"rules.yaml": RULES}).signals
    assert {"urls", "age", "note", "size", "last_ip", "posts_1h", "network_1h", "twice", "marked.watched", "risk",
            "event.weight", "ip", "text"} <= signals.keys()  # fmt: skip
    assert not {"params.limit", "rule.flood", "event_id", "user_id", "type", "ts"} & signals.keys()
    assert (signals["age"], signals["urls"], signals["posts_1h"]) == ("duration", "list", "number")


def test_values_are_told_raw() -> None:
    long_text = "x" * 500
    event = {"urls": ["https://a.example/", "b"], "author": {"age_days": 3}, "note": long_text, "ip": "10.0.0.1",
             "text": "abc", "weight": 1.5}  # fmt: skip
    first, second = told(observe({"rules.yaml": RULES}).rulebook, event, event)
    assert (first["urls"], first["age"], first["note"]) == (["https://a.example/", "b"], 3 * 86_400_000, long_text)
    assert (first["size"], first["posts_1h"], first["network_1h"], first["event.weight"]) == (3, 1, 1, 1.5)
    assert (first["last_ip"], second["last_ip"], second["twice"]) == (None, "10.0.0.1", 4)
    assert (first["risk"], second["risk"]) == (0, 3)


def test_what_is_unknown_keeps_no_event_from_being_observed() -> None:
    (read,) = told(observe({"rules.yaml": RULES}).rulebook, {})
    assert (read["urls"], read["network_1h"], read["last_ip"]) == (None, None, None)


def test_only_what_a_model_reads_and_only_at_events_of_a_type() -> None:
    observed = observe({"rules.yaml": RULES}, event_type="post", model="spam")
    assert dict(observed.signals) == {"posts_1h": "number", "event.weight": "any", "ip": "text"}
    assert len(told(observed.rulebook, {}, {"type": "comment"})) == 1


def test_a_model_that_is_not_there_is_said() -> None:
    with pytest.raises(RulebookError, match=r'no model "ham"'):
        observe({"rules.yaml": RULES}, model="ham")
