"""A draft on the simulated day: what it does on the way, and a verdict at the end."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from engine.console.trying import simulations
from engine.console.trying.simulations import simulate
from engine.settings import Settings
from engine.sim.world import simulate_day

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
