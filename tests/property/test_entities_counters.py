"""Counters over shared entities equal a naive recount, and whom a rule with a lookback meets does not depend
on the order of arrival."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.domain.decisions import Decision
from engine.core.domain.events import FieldMapping
from engine.keys.network import ip_prefixes
from engine.keys.urls import url_domains
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from tests.events import START_MS, swarm_events

SWARM = load_rulebook(Path(__file__).parents[1] / "rulebooks" / "swarm")
OVER_MS = 60_000
TELLING = load_rulebook(
    {
        "rules.yaml": """
version: 1
fields: {amount: number, fresh: bool}
counters:
  uses:        {count: any, by: device_id, over: 1m, cap: 1000}
  fresh_posts: {count: post, where: fresh, by: url_domain, over: 1m, cap: 1000}
  users:       {distinct: user_id, of: any, by: url_domain, over: 1m, cap: 1000}
  networked:   {distinct: device_id, of: [post, comment], by: ip_prefix, over: 1m, cap: 1000}
  amounts:     {sum: amount, of: any, by: [user_id, device_id], over: 1m}
rules:
  tell: {event: any, when: [uses >= 0, fresh_posts >= 0, users >= 0, networked >= 0, amounts >= 0], then: {flag: x}}
"""
    }
)

events = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["post", "comment"]),
            "user_id": st.sampled_from("abcd"),
            "device_id": st.sampled_from(["d1", "d2"]),
            "ip": st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.1.1", "2001:db8::1"]),
            "url": st.sampled_from(["a.com", "https://www.a.com/x", "b.org"]),
            "amount": st.integers(0, 9),
            "fresh": st.booleans(),
            "step": st.integers(-40_000, 30_000),
        }
    ),
    min_size=1,
    max_size=40,
)


def values(decisions: list[Decision]) -> dict[str, Any]:
    return {
        name: value
        for decision in decisions
        for hit in decision.hits
        for clause in hit.clauses
        for name, value in clause.values.items()
    }


@settings(max_examples=300, deadline=None)
@given(events)
def test_counters_over_shared_entities_equal_a_recount(stream: list[dict[str, Any]]) -> None:
    stage, seen, newest = ExampleStage(TELLING, {}), [], START_MS
    for index, fields in enumerate(stream):
        ts = newest + fields["step"]
        newest = max(newest, ts)
        event = {**fields, "event_id": f"e{index}", "ts": ts}
        seen.append(event)
        found = values(stage.send(FieldMapping().read(event)))
        inside = [one for one in seen if ts - OVER_MS < one["ts"] <= ts]
        domain, network = url_domains(event), ip_prefixes(event)
        same_domain = [one for one in inside if url_domains(one) == domain]
        assert found["uses"] == sum(one["device_id"] == event["device_id"] for one in inside)
        assert found["users"] == len({one["user_id"] for one in same_domain})
        assert found["fresh_posts"] == sum(one["fresh"] and one["type"] == "post" for one in same_domain)
        assert found["networked"] == len({one["device_id"] for one in inside if ip_prefixes(one) == network})
        pair = (event["user_id"], event["device_id"])
        assert found["amounts"] == sum(one["amount"] for one in inside if (one["user_id"], one["device_id"]) == pair)


def met(stream: list[bytes]) -> set[str]:
    """The ids of all actions of the rules with a lookback."""
    stage, found = ExampleStage(SWARM, {}), set()
    for data in stream:
        for decision in stage.send(FieldMapping().read(orjson.loads(data))):
            found |= {action.action_id for action in decision.actions if action.rule != "flood"}
    return found


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 30, 600, 3_000]))
def test_whom_a_rule_with_a_lookback_meets_does_not_depend_on_the_order(seed: int, apart: int) -> None:
    rng, stream = random.Random(seed), swarm_events(1_000, seed=seed)
    shuffled = sorted(enumerate(stream), key=lambda entry: (entry[0] + rng.random() * apart, entry[0]))
    assert met([data for _, data in shuffled]) == met(stream)


LATE = load_rulebook(
    {
        "rules.yaml": """
version: 1
counters:
  fails: {count: fail, by: ip, over: 1h}
  users: {distinct: user_id, of: any, by: device_id, over: 30m}
rules:
  after_fails: {event: ok, when: [fails >= 2], then: {flag: x, also: earlier, lookback: 10m}}
  many:        {event: any, when: [users >= 3], then: {flag: y, target: event, also: earlier, lookback: 5m}}
"""
    }
)
moments = st.lists(
    st.tuples(st.integers(0, 3_500), st.sampled_from(["ok", "fail"]), st.sampled_from("abcd"), st.sampled_from("12")),
    min_size=1,
    max_size=25,
)


def met_late(stream: list[tuple[int, tuple[int, str, str, str]]]) -> set[str]:
    stage, found = ExampleStage(LATE, {}), set()
    for index, (at_s, kind, user, place) in stream:
        event = {"event_id": f"e{index}", "type": kind, "user_id": user, "ts": START_MS + at_s * 1000,
                 "ip": place, "device_id": place}  # fmt: skip
        decisions = stage.send(FieldMapping().read(event))
        found |= {action.action_id for decision in decisions for action in decision.actions}
    return found


@settings(max_examples=300, deadline=None)
@given(moments, st.randoms(use_true_random=False))
def test_nor_when_windows_and_lookbacks_differ_or_other_events_are_counted(
    stream: list[tuple[int, str, str, str]], rng: random.Random
) -> None:
    in_order = sorted(enumerate(stream), key=lambda entry: entry[1][0])
    shuffled = list(enumerate(stream))
    rng.shuffle(shuffled)
    assert met_late(shuffled) == met_late(in_order)


def test_the_streams_above_have_something_to_meet() -> None:
    found: dict[tuple[str, bool], int] = defaultdict(int)
    stage = ExampleStage(SWARM, {})
    for data in swarm_events(1_000, seed=1):
        for decision in stage.send(FieldMapping().read(orjson.loads(data))):
            for action in decision.actions:
                found[action.rule, action.earlier] += 1
    assert {("swarm", True), ("swarm", False), ("farm", True), ("farm", False)} <= found.keys()


@pytest.mark.parametrize("apart", [1_500])
def test_a_rule_without_a_lookback_does_depend_on_it(apart: int) -> None:
    """Shows that the test above can fail."""
    rulebook = load_rulebook(
        {
            "rules.yaml": "version: 1\ncounters:\n  users: {distinct: user_id, of: any, by: url_domain, over: 10m}\n"
            "rules: {swarm: {event: any, when: [users >= 12], then: {flag: x}}}"
        }
    )
    rng, stream = random.Random(1), swarm_events(1_500, seed=1)
    shuffled = sorted(enumerate(stream), key=lambda entry: entry[0] + rng.random() * apart)
    found = []
    for arrivals in (stream, [data for _, data in shuffled]):
        stage = ExampleStage(rulebook, {})
        decisions = [one for data in arrivals for one in stage.send(FieldMapping().read(orjson.loads(data)))]
        found.append({action.action_id for decision in decisions for action in decision.actions})
    assert found[0] != found[1]
