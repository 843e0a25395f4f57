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
    event: dict[str, Any] = {"event_id": "e", "type": "post", "user_id": "u", "device_id": "d"}
    brought_about = []
    for number, (kind, fields) in enumerate(
        [("event", event), *(("label", {"event_id": "e", "user_id": "u", "label": one}) for one in ("spam", verdict))]
    ):
        line = {**fields, "ts": START_MS + number}
        messages = engine.run([Arrival(kind, START_MS + number, orjson.dumps(line), START_MS + number)])
        brought_about.append(sorted(message.topic for message in messages))
    assert brought_about == [[], ["actions", "decisions"], []]


REACHING = """
version: 1
counters:
  users:  {distinct: user_id, of: post, by: device_id, over: 1h}
  ids:    {distinct: event_id, of: hit.swarm, by: user_id, over: 1d}
  own:    {count: hit.swarm, by: user_id, over: 1d, where: user_id == "u0"}
  prompt: {count: hit.swarm, by: user_id, over: 1d, where: clock_skew < 1s}
rules:
  swarm: {event: post, when: [users >= 2], then: {flag: x, also: earlier, lookback: 1h}}
  asks:  {event: look, when: [ids == 1, own == 1], then: {flag: y}}
  sure:  {event: look, when: [prompt <= 1], then: {flag: z}}
"""


def test_what_follows_from_an_earlier_event_knows_its_ids_and_not_how_far_its_time_was_off() -> None:
    engine = OfflineEngine(load_rulebook({"r.yaml": REACHING}), Settings(decision_sample=0.0))
    hits = []
    for number, (kind, user) in enumerate((("post", "u0"), ("post", "u1"), ("look", "u0"))):
        event = {"event_id": f"e{number}", "type": kind, "user_id": user, "device_id": "d", "ts": START_MS + number}
        for message in engine.run([Arrival("event", START_MS + number, orjson.dumps(event), START_MS + number)]):
            if message.topic == "decisions":
                decision = orjson.loads(message.value)
                hits += [(hit["rule"], decision["user_id"]) for hit in decision["hits"]]
    assert sorted(hits) == [("asks", "u0"), ("swarm", "u0"), ("swarm", "u1")]
