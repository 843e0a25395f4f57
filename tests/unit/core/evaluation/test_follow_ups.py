"""Which hits are followed up, and as what."""

from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS

RULES = """
version: 1
counters:
  hits:    {{count: hit.bad, by: user_id, over: 1d}}
  shadows: {{count: shadow.bad, by: user_id, over: 1d}}
ladders: {{spam: {{decay: 1d, steps: [{{at: 2, flag: x}}]}}}}
rules:
  bad: {{event: post, when: [event.bad == 1], {how}}}
  asks: {{event: look, when: [hits >= 0, shadows >= 0], then: {{flag: y}}, mode: shadow}}
"""
REST = "cooldown: {per: user_id, for: 1h}"


def counted(how: str) -> list[Any]:
    """What is counted of hits and of shadow hits after three posts that meet the rule."""
    engine = OfflineEngine(load_rulebook({"r.yaml": RULES.format(how=how)}), Settings(decision_sample=0.0))
    values: list[Any] = []
    for number, kind in enumerate(("post", "post", "post", "look")):
        event = {"event_id": f"e{number}", "type": kind, "user_id": "u", "ts": START_MS + number, "bad": 1}
        for message in engine.run([Arrival("event", START_MS + number, orjson.dumps(event))]):
            if message.topic == "decisions" and kind == "look":
                (hit,) = orjson.loads(message.value)["hits"]
                values = [clause["value"] for clause in hit["clauses"]]
    return values


@pytest.mark.parametrize(
    ("how", "right"),
    [
        ("then: {flag: x}", [3, 0]),
        (f"then: {{flag: x}}, {REST}", [3, 0]),
        ("then: {ladder: spam}", [3, 0]),
        (f"then: {{ladder: spam}}, {REST}", [3, 0]),
        ("then: {flag: x}, mode: shadow", [0, 3]),
        (f"then: {{flag: x}}, {REST}, mode: shadow", [0, 3]),
        (f"then: {{ladder: spam}}, {REST}, mode: shadow", [0, 3]),
        (f"then: {{flag: x}}, {REST}, mode: canary 1%", [0, 3]),
        ("then: {flag: x, target: device_id}", [0, 0]),
        ("then: {flag: x, target: device_id}, mode: shadow", [0, 0]),
        ("then: [{flag: x}, {hide: y, target: device_id}]", [3, 0]),
    ],
)
def test_a_hit_counts_as_what_its_rule_would_do(how: str, right: list[int]) -> None:
    """While a rule rests, what it meets goes on: in force, in shadow, and held out alike."""
    assert counted(how) == right


RESTING_AT_DEVICES = """
version: 1
counters:
  here: {count: label.spam, by: target_id, over: 1d}
rules:
  rests: {event: label.spam, when: [known(user_id)], then: {hide: x, target: target_id},
          cooldown: {per: device_id, for: 1h}}
  acts: {event: label.spam, any: [here >= 3, known(user_id)], then: {flag: x}}
"""


@pytest.mark.parametrize("verdict", ["ham", "retracted"])
def test_nothing_is_decided_of_a_label_that_is_taken_back(verdict: str) -> None:
    """Though a rule about such labels rests at an entity that the event names."""
    engine = OfflineEngine(load_rulebook({"r.yaml": RESTING_AT_DEVICES}), Settings(decision_sample=0.0))
    event = {"event_id": "e", "type": "post", "user_id": "u", "device_id": "d", "ts": START_MS}
    brought_about = []
    for number, (kind, fields) in enumerate(
        [("event", event), *(("label", {"event_id": "e", "user_id": "u", "label": one}) for one in ("spam", verdict))]
    ):
        line = {**fields, "ts": START_MS + number}
        messages = engine.run([Arrival(kind, START_MS + number, orjson.dumps(line), START_MS + number)])
        brought_about.append(sorted(message.topic for message in messages))
    assert brought_about == [[], ["actions", "decisions"], []]
