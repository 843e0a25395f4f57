"""What acting is good for: users afterwards, acted on and left alone."""

from typing import Any

import orjson
import pytest

from engine.backtest.effect import Effects
from engine.learning.labels import Label
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

DAY_MS = 86_400_000


def decision(user: str, effect: str, ts: int = 0, mode: str = "enforce", event: str = "") -> dict[str, Any]:
    hit = {"rule": "r", "effect": effect, "mode": mode}
    return {"event_id": event or f"{user}-{ts}", "user_id": user, "ts": ts, "hits": [hit]}


def spam(user: str, ts: int, event: str = "", verdict: Any = "spam") -> Label:
    return Label(event or f"later-{user}-{ts}", verdict, ts, user_id=user)


def groups(decisions: list[dict[str, Any]], labels: list[Label]) -> list[tuple[int, float]]:
    """Users and events each, of those acted on and of those left alone."""
    effects = Effects(DAY_MS)
    effects.decided(decisions)
    effects.labelled(labels)
    [found] = effects.all()
    return [(group.users, group.events) for group in (found.acted, found.left_alone)]


def test_spam_counts_after_the_first_hit_and_within_the_time() -> None:
    met = [decision("a", "acted", 10), decision("a", "acted", 20), decision("b", "holdout", 10)]
    labels = [spam("a", 10), spam("a", 11), spam("a", 10 + DAY_MS), spam("a", 11 + DAY_MS), spam("b", 9)]
    assert groups(met, labels) == [(1, 2.0), (1, 0.0)]


def test_a_label_finds_the_user_and_the_time_by_the_decision() -> None:
    met = [decision("a", "acted"), decision("b", "holdout"), decision("b", "cooldown", 5, event="x")]
    assert groups(met, [Label("x", "spam", 90 * DAY_MS), Label("nobody's", "spam", 5)]) == [(1, 0.0), (1, 1.0)]


def test_a_verdict_that_is_taken_back_does_not_count() -> None:
    met = [decision("a", "acted"), decision("b", "holdout")]
    labels = [spam("b", 1, "x"), spam("b", 2, "x", "ham"), spam("a", 1, "y"), spam("a", 2, "y", "retracted")]
    assert groups(met, labels) == [(1, 0.0), (1, 0.0)]


@pytest.mark.parametrize(
    ("effect", "mode", "counts"),
    [
        ("holdout", "enforce", True), ("spared", "enforce", True), ("shadow", "canary", True),
        ("shadow", "enforce", True), ("shadow", "shadow", False), ("budget", "enforce", False),
    ],
)  # fmt: skip
def test_left_alone_are_those_whom_lots_have_drawn(effect: str, mode: str, counts: bool) -> None:
    effects = Effects(DAY_MS)
    effects.decided([decision("a", "acted"), decision("b", effect, mode=mode)])
    assert [found.left_alone.users for found in effects.all()] == ([1] if counts else [])


def test_users_of_both_groups_are_in_neither() -> None:
    effects = Effects(DAY_MS)
    effects.decided([decision("a", "acted"), decision("a", "holdout", 5), decision("b", "holdout")])
    [found] = effects.all()
    assert (found.mixed, found.acted.users, found.left_alone.users) == (1, 0, 1)
    assert found.verdict == "nothing to compare"


def test_the_effect_of_a_rule_that_stops_spammers_is_seen() -> None:
    """Users who are limited stop; those who are held out go on."""
    rules = """
version: 1
holdout: 30%
rules:
  bad: {event: post, when: [event.bad == 1], then: {limit: posting}}
"""
    events = [
        Arrival("event", n + 1, orjson.dumps(
            {"event_id": f"e{n}", "type": "post", "user_id": f"u{n}", "ts": 1_772_452_800_000 + n, "bad": 1}
        )) for n in range(300)
    ]  # fmt: skip
    messages = list(OfflineEngine(load_rulebook({"r.yaml": rules}), Settings()).run(events))
    decisions = [orjson.loads(one.value) for one in messages if one.topic == "decisions"]
    effects = Effects(DAY_MS)
    effects.decided(decisions)
    held = [one for one in decisions if one["outcome"] == "holdout"]
    effects.labelled(spam(one["user_id"], one["ts"] + 1_000) for one in held)
    [found] = effects.all()
    assert (found.rule, found.left_alone.users, found.verdict) == ("bad", len(held), "less spam after acting")
    assert found.acted.spam_again is not None
    assert found.acted.spam_again.share == 0.0
