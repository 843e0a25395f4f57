"""A draft on the simulated day: what it does on the way, and a verdict at the end."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import orjson
import pytest

from engine.console.trying import simulations
from engine.console.trying.simulations import simulate
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.kafka.records import Recorded
from tests.console import START_MS

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
rules: {flood: {event: post, when: [posts_1m > 10], then: {limit: posting}}}
"""


def test_the_day_ends_with_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulations, "simulate_day", partial(simulate_day, people=20))
    told: list[tuple[int, int, int]] = []

    def tell(done: int, total: int, seen: Mapping[str, Any]) -> None:
        told.append((done, total, seen["actions"]))

    verdict = simulate(Settings(), {"new": {"rules.yaml": RULES}, "hours": 0}, tell)
    done, total, actions = told[-1]
    assert done == total
    assert actions == verdict["actions"] > 0
    caught = {attack["attack"] for attack in verdict["attacks"] if attack["is_caught"]}
    assert "post_flood" in caught
    assert "card_testing" not in caught
    assert [name for name, _, _ in verdict["rules"]] == ["flood"]
    assert all(before[2] <= after[2] for before, after in pairwise(told))


def test_who_is_acted_on_in_a_recorded_hour_has_their_pseudonym(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_since(*_: Any) -> list[Recorded]:
        events = ({"event_id": f"e{n}", "type": "post", "user_id": "u-secret", "ts": START_MS + n} for n in range(12))
        return [Recorded(orjson.dumps(event), START_MS) for event in events]

    monkeypatch.setattr(simulations, "read_since", read_since)
    monkeypatch.setattr(simulations, "show_in", lambda settings, rulebook: None)
    settings = Settings(privacy=PrivacySettings(key="k" * 40))
    seen = simulate(settings, {"new": {"rules.yaml": RULES}, "hours": 1}, lambda done, total, seen: None)
    assert seen["latest"]
    assert "u-secret" not in str(seen)
