"""On which share of entities a rule acts: holdouts, arms, what is spared, and how long enforcement waits."""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from engine.core.evaluation.reach import delay_ms
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

T0 = 1_772_452_800_000
RULE = """
version: 1
fields: {owner: text}
TOP
rules:
  bad: {event: post, when: [event.bad == 1], then: {limit: posting}, MORE}
  other: {event: post, when: [event.bad == 1], then: {hide: content, target: event}}
  author: {event: report, when: [event.bad == 1], then: {limit: posting, target: owner}}
"""
USERS = [f"u{n}" for n in range(400)]


def run(rules: str, events: Iterable[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Decisions and actions."""
    arrivals = [
        Arrival("event", T0 + n, orjson.dumps({"event_id": f"e{n}", "type": "post", "ts": T0 + n, "bad": 1, **one}))
        for n, one in enumerate(events)
    ]
    told: dict[str, list[Any]] = {"decisions": [], "actions": []}
    for message in OfflineEngine(load_rulebook({"rules.yaml": rules}), Settings(decision_sample=0.0)).run(arrivals):
        told[message.topic].append(orjson.loads(message.value))
    return told["decisions"], told["actions"]


def rules(top: str = "", more: str = "mode: enforce") -> str:
    return RULE.replace("TOP", top).replace("MORE", more)


def met_by(rule: str, effect: str, decisions: list[Any]) -> set[str]:
    return {
        one["user_id"] for one in decisions for hit in one["hits"] if (hit["rule"], hit["effect"]) == (rule, effect)
    }


def test_the_same_users_are_held_out_by_all_rules() -> None:
    decisions, actions = run(rules("holdout: 20%"), [{"user_id": user} for user in USERS])
    held = met_by("bad", "holdout", decisions)
    assert 50 < len(held) < 110
    assert met_by("other", "holdout", decisions) == held
    assert {one["user_id"] for one in actions} == set(USERS) - held
    assert {one["outcome"] for one in decisions if one["user_id"] in held} == {"holdout"}
    more = met_by("bad", "holdout", run(rules("holdout: 40%"), [{"user_id": user} for user in USERS])[0])
    assert held < more


def test_who_is_held_out_is_so_as_a_target_too() -> None:
    decisions, _ = run(rules("holdout: 20%"), [{"user_id": user} for user in USERS])
    events = [{"user_id": "reporter", "type": "report", "owner": user} for user in USERS]
    acted = {one["target"]["id"] for one in run(rules("holdout: 20%"), events)[1]}
    assert acted == set(USERS) - met_by("bad", "holdout", decisions)


def test_a_rule_that_must_not_wait_acts_on_all() -> None:
    decisions, actions = run(rules("holdout: 20%", "holdout: false"), [{"user_id": user} for user in USERS])
    assert not met_by("bad", "holdout", decisions)
    assert {one["user_id"] for one in actions if one["rule"] == "bad"} == set(USERS)
    assert met_by("other", "holdout", decisions)


def test_a_rule_that_allows_protects_all() -> None:
    allow = rules("holdout: 20%").replace("then: {limit: posting}, mode: enforce", "then: allow")
    decisions, actions = run(allow, [{"user_id": user} for user in USERS])
    assert (met_by("bad", "acted", decisions), actions) == (set(USERS), [])


def test_who_is_held_out_rests_and_climbs_as_the_others_do() -> None:
    top = "holdout: 20%\nladders: {climb: {decay: 1d, steps: [{at: 2, flag: x}]}}"
    made = rules(top, "cooldown: {per: user_id, for: 1h}").replace("then: {limit: posting}", "then: {ladder: climb}")
    events = [{"user_id": user, "ts": T0 + hour * 3_600_000} for hour in (0, 1, 1.5) for user in USERS]
    decisions, _ = run(made, [{**one, "ts": int(one["ts"])} for one in events])
    effects: dict[str, list[str]] = {}
    for one in decisions:
        effects.setdefault(one["user_id"], []).append(one["hits"][0]["effect"])
    assert {tuple(found) for found in effects.values()} == {
        ("strike", "acted", "cooldown"), ("strike", "holdout", "cooldown")
    }  # fmt: skip


def test_arms_share_no_entity() -> None:
    made = rules("holdout: 20%", "arm: {name: lax, share: 30%}").replace(
        "target: event}}", "target: event}, arm: {name: strict, share: 50%}}"
    )
    decisions, actions = run(made, [{"user_id": user} for user in USERS])
    lax, strict = ({one["user_id"] for one in actions if one["rule"] == rule} for rule in ("bad", "other"))
    held = set(USERS) - lax - strict
    assert not lax & strict
    assert 90 < len(lax) < 150 < len(strict) < 250
    assert 50 < len(held) < 110
    assert met_by("bad", "shadow", decisions) == set(USERS) - lax


def test_a_share_is_spared() -> None:
    decisions, actions = run(rules(more="enforce: {share: 80%}"), [{"user_id": user} for user in USERS])
    spared = met_by("bad", "spared", decisions)
    assert 50 < len(spared) < 110
    assert {one["user_id"] for one in actions if one["rule"] == "bad"} == set(USERS) - spared
    assert met_by("other", "acted", decisions) == set(USERS)


@pytest.mark.parametrize(("written", "least", "most"), [("1m..5m", 60_000, 300_000), ("2m", 120_000, 120_000)])
def test_enforcement_waits_for_as_long_as_is_drawn(written: str, least: int, most: int) -> None:
    made = rules(more=f"enforce: {{delay: {written}}}")
    events = [{"user_id": user} for user in USERS]
    _, actions = run(made, events)
    waits = [one["not_before_ms"] - one["ts"] for one in actions if one["rule"] == "bad"]
    assert least <= min(waits) <= max(waits) <= most
    assert len(set(waits)) > 300 or least == most
    assert run(made, events)[1] == actions
    assert not any("not_before_ms" in one for one in actions if one["rule"] == "other")


def test_both_ends_of_a_delay_are_drawn() -> None:
    [rule, *_] = load_rulebook({"r.yaml": rules(more="enforce: {delay: 1ms..3ms}")}).rules
    assert {delay_ms(rule, f"a{n}") for n in range(100)} == {1, 2, 3}
