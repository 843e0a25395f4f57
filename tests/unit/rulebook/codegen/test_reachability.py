"""What an entity must have at least before a rule can hold there: never more than the rule needs."""

import random

import pytest

from engine.core.domain.events import Event
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

START_MS = 1_760_000_000_000
RULES = """
version: 1
fields: {fresh: bool}
counters:
  posts: {count: post, by: device_id, over: 10m, cap: 8}
  fresh_posts: {count: post, where: fresh, by: device_id, over: 10m, cap: 8}
  users: {distinct: user_id, of: post, by: device_id, over: 10m, cap: 8}
derived: {share: {ratio: [fresh_posts, posts], at_least: 4}}
rules:
  r: {event: post, when: [CLAUSES], then: {hide: content, target: event, also: earlier, lookback: 5m}}
"""


def stage_of(clauses: str) -> ExampleStage:
    return ExampleStage(load_rulebook({"r.yaml": RULES.replace("CLAUSES", clauses)}), {})


def post(number: int, user: str, at_s: int, fresh: bool) -> Event:
    fields = {"device_id": "d", "fresh": fresh, "user_id": user}
    return Event(f"e{number}", "post", user, START_MS + at_s * 1_000, fields)


@pytest.mark.parametrize(
    "clauses", ["posts >= 3", "users > 2", "share > 0.5", "posts >= 3, share >= 0.75", "posts < 3", "posts + users > 5"]
)
def test_where_a_rule_holds_it_was_reachable(clauses: str) -> None:
    stage, rng, held = stage_of(clauses), random.Random(7), 0
    (watch,) = stage.evaluator.rulebook.watches["device_id"]
    for number in range(200):
        stage.send(
            post(number, rng.choice("abcdef"), rng.randrange(number * 20, number * 20 + 400), rng.random() < 0.6)
        )
        record = stage.entities["device_id", "d"]
        times = list(range(max(0, record.newest - 600_000), record.newest + 1, 60_000))
        for now in watch.crossings(record.series, times, "d"):
            assert all(watch.reachable(record.series, at) for at in range(now - 600_000, now + 1, 60_000))
            held += 1
    assert held


@pytest.mark.parametrize(
    ("clauses", "posts", "wanted"),
    [
        ("posts >= 3", 2, False), ("posts >= 3", 3, True), ("posts > 3", 3, False), ("users >= 2", 1, False),
        ("share > 0.5", 3, False), ("share > 0.5", 4, True), ("posts < 3", 1, True),
    ],
)  # fmt: skip
def test_an_entity_with_too_little_is_not_asked_further(clauses: str, posts: int, wanted: bool) -> None:
    stage = stage_of(clauses)
    (watch,) = stage.evaluator.rulebook.watches["device_id"]
    for number in range(posts):
        stage.send(post(number, f"u{number}", number, fresh=True))
    record = stage.entities["device_id", "d"]
    assert watch.reachable(record.series, record.newest) == wanted
    assert watch.reachable(record.series, record.newest + 600_000) == (clauses == "posts < 3")


def test_a_share_that_is_no_binary_number_is_reached_where_it_is() -> None:
    """0.07 * 100 is more than seven."""
    source = (
        RULES.replace("CLAUSES", "share >= 0.07").replace("at_least: 4", "at_least: 100").replace("cap: 8", "cap: 200")
    )
    stage = ExampleStage(load_rulebook({"r.yaml": source}), {})
    (watch,) = stage.evaluator.rulebook.watches["device_id"]
    for number in range(100):
        stage.send(post(number, f"u{number}", number, fresh=number < 7))
    record = stage.entities["device_id", "d"]
    assert watch.crossings(record.series, [record.newest], "d") == [record.newest]
    assert watch.reachable(record.series, record.newest)


def test_nothing_is_reachable_where_nothing_has_been() -> None:
    (watch,) = stage_of("posts >= 1").evaluator.rulebook.watches["device_id"]
    assert not watch.reachable(EntityRecord().series, 5)
