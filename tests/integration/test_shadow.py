"""A rule in shadow, the same rule enforced, and a backtest of the day: the same events, the same words."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.system import System

RULES = """
version: 1
fields:
  account_age: {type: duration, unit: d, from: author.account_age_days}
  card: {type: text, from: payment.card}
counters:
  posts_1m:  {count: [post, comment], by: user_id, over: 1m}
  chats_30s: {count: chat, by: user_id, over: 30s}
  cards_1h:  {distinct: card, of: payment, by: user_id, over: 1h}
rules:
  flood: {event: [post, comment], when: [posts_1m > 8], then: {limit: posting}, cooldown: {per: user_id, for: 10m},
          mode: MODE}
  raid:  {event: chat, when: [chats_30s > 8], then: {limit: chat}, mode: MODE}
  cards: {event: payment, when: [cards_1h >= 5, account_age < 7d], then: {limit: payments}, mode: MODE}
"""


@pytest.fixture(scope="module")
def day() -> list[bytes]:
    return [orjson.dumps(one.event) for one in simulate_day(seed=6, people=400)]


def decided(tmp_path: Path, rules: str, day: list[bytes]) -> tuple[dict[str, bytes], int]:
    """The decisions of two workers over the day by their events, and how many actions were published."""
    path = tmp_path / "rules.yaml"
    path.write_text(rules)
    with System(tmp_path) as system:
        system.push_rules(path)
        for name in ("one", "two"):
            system.start_worker(name)
        system.publish(day)
        system.wait_until_decided()
        found = {orjson.loads(record.value)["event_id"]: record.value for record in system.read("decisions")}
        return found, len(system.actions())


def backtested(rules: str, day: list[bytes]) -> dict[str, bytes]:
    engine = OfflineEngine(load_rulebook({"rules.yaml": rules}), Settings())
    messages = list(engine.run(Arrival("event", 0, event) for event in day))
    return {orjson.loads(one.value)["event_id"]: one.value for one in messages if one.topic == "decisions"}


def hits(decisions: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """What held, by event, without whether that was enforced."""
    found = {event: orjson.loads(one)["hits"] for event, one in decisions.items()}
    for one in found.values():
        for hit in one:
            del hit["mode"], hit["effect"]
    return found


def test_a_day_in_shadow_then_enforced_and_backtested_is_the_same_to_the_byte(tmp_path: Path, day: list[bytes]) -> None:
    live: dict[str, dict[str, bytes]] = {}
    actions: dict[str, int] = {}
    for mode in ("shadow", "enforce"):
        (tmp_path / mode).mkdir()
        rules = RULES.replace("MODE", mode)
        live[mode], actions[mode] = decided(tmp_path / mode, rules, day)
        assert live[mode] == backtested(rules, day)
    assert len(live["shadow"]) > 500
    assert hits(live["shadow"]) == hits(live["enforce"])
    assert actions["shadow"] == 0
    assert actions["enforce"] > 500
