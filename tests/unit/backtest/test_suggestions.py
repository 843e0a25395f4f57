"""Thresholds that are suggested are those that rules would see."""

from typing import Any

import orjson

from engine.backtest.run import backtest
from engine.backtest.suggestions import Suggestion, suggest
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from tests.events import START_MS

RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  few_1h: {distinct: target_id, of: post, by: user_id, over: 1h, cap: 5}
  spent_1d: {sum: event.amount, of: payment, by: user_id, over: 1d}
  never_1d: {count: refund, by: user_id, over: 1d}
rules:
  flood: {event: post, when: [posts_1m > %d], then: {flag: x}}
"""


def posts(user: str, count: int, every_ms: int) -> list[dict[str, Any]]:
    return [
        {"event_id": f"{user}-{number}", "type": "post", "user_id": user, "ts": START_MS + number * every_ms,
         "target_id": f"t{number % 9}"}
        for number in range(count)
    ]  # fmt: skip


def stream(spammers: int, people: int) -> list[bytes]:
    """Spammers post 20 times in a minute, people 6 times."""
    made = [event for number in range(spammers) for event in posts(f"spam{number}", 20, 1_000)]
    made += [event for number in range(people) for event in posts(f"ham{number}", 6, 5_000)]
    return [orjson.dumps(event) for event in sorted(made, key=lambda event: event["ts"])]


def labels(events: list[bytes]) -> list[bytes]:
    return [
        orjson.dumps({"event_id": one["event_id"], "label": "spam" if one["user_id"].startswith("spam") else "ham",
                      "ts": START_MS})
        for one in map(orjson.loads, events)
    ]  # fmt: skip


def suggested(events: list[bytes], truth: list[bytes], precision: float = 0.95) -> dict[str, Suggestion]:
    rulebook = load_rulebook({"rules.yaml": RULES % 8})
    return {one.counter: one for one in suggest(rulebook, events, truth, Settings(), precision)}


def test_the_lowest_threshold_with_the_wanted_precision_is_found() -> None:
    events = stream(spammers=20, people=100)
    found = suggested(events, labels(events))["posts_1m"]
    assert found.threshold == 6  # no one but spammers posts more often
    assert found.groups["ham"].highest == 6
    assert found.groups["spam"].highest == 20
    assert found.precision is not None
    assert found.precision.low >= 0.95
    assert found.recall is not None
    assert found.recall.share == 14 / 20


def test_a_rule_with_the_threshold_does_what_is_promised() -> None:
    events = stream(spammers=20, people=100)
    found = suggested(events, labels(events))["posts_1m"]
    rulebook = load_rulebook({"rules.yaml": RULES % found.threshold})
    (rule,) = backtest(rulebook, None, events, labels(events), Settings()).rules
    assert (rule.precision, rule.recall) == (found.precision, found.recall)


def test_statistics_are_suggested_but_for_durations() -> None:
    tail = "of: post, by: user_id, over: 1h"
    more = f"  pace: {{mean: gap, {tail}}}\n  most: {{max: event.n, {tail}}}\n"
    rulebook = load_rulebook({"rules.yaml": (RULES % 8).replace("rules:\n", f"{more}rules:\n", 1)})
    events = [orjson.dumps({**one, "n": 7}) for one in posts("u", 3, 1_000)]
    found = {one.counter: one for one in suggest(rulebook, events, [], Settings(), 0.95)}
    assert "pace" not in found or not found["pace"].groups
    assert found["most"].groups["unlabelled"].highest == 7


def test_what_cannot_tell_is_said() -> None:
    events = stream(spammers=3, people=100)
    truth = [orjson.dumps({**orjson.loads(one), "label": "spam" if number % 2 else "ham"})
             for number, one in enumerate(labels(events))]  # fmt: skip
    found = suggested(events, truth)
    assert found["posts_1m"].threshold is None
    assert found["never_1d"].groups == {}


def test_without_labels_few_events_are_above() -> None:
    found = suggested(stream(spammers=1, people=900), [])["posts_1m"]
    assert found.groups.keys() == {"unlabelled"}
    assert (found.precision, found.recall) == (None, None)
    assert 0 < found.share <= 0.002
