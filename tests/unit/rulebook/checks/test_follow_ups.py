"""What counters and rules may ask about follow-ups."""

import pytest

from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
counters:
  asked: {COUNTER}
rules:
  other: {event: post, when: ["text == 'x'"], then: {flag: x}, mode: shadow}
  asks:  {event: EVENT, when: [asked >= 1], then: {flag: x}, mode: shadow}
"""


def problems(
    counter: str = "count: hit.other, by: user_id, over: 1h", event: str = "post", more: str = ""
) -> list[str]:
    _, found = check_rulebook({"r.yaml": RULES.replace("COUNTER", counter).replace("EVENT", event) + more})
    return [one.message for one in found.errors]


@pytest.mark.parametrize(
    ("counter", "event"),
    [
        ("count: hit.other, by: user_id, over: 1h", "post"),
        ("count: [label.spam, label.ham], by: device_id, over: 1h", "label.spam"),
        ("distinct: user_id, of: shadow.other, by: url_domain, over: 1h", "hit.other"),
        ("count: action.any, by: text, over: 1h", "post"),
        ("count: action.suspend, by: text, over: 1h", "post"),
    ],
)
def test_what_can_be_asked(counter: str, event: str) -> None:
    assert problems(counter, event) == []


@pytest.mark.parametrize(
    ("counter", "event", "told"),
    [
        ("count: hit.othr, by: user_id, over: 1h", "post", '`hit.othr` is about the hits of "othr", which is no rule'),
        ("count: action.susspend, by: user_id, over: 1h", "post", "there is no action `action.susspend`"),
        ("count: label.spam, by: user_id, over: 1h, approx: true", "post", "`asked` counts what may be taken back"),
        ("count: label.spam, by: user_id, over: 1h", "action.any",
         "a rule cannot be about actions: its own would be among them"),
        ("count: hit.asks, by: user_id, over: 1h", "post", "rule `asks` asks about its own hits: asks → asks"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(counter: str, event: str, told: str) -> None:
    assert told in problems(counter, event)


def warnings(rules: str) -> list[str]:
    _, found = check_rulebook({"r.yaml": rules})
    assert found.errors == []
    return [one.message for one in found.findings if one.severity == "warning"]


@pytest.mark.parametrize("kind", ["labels.spam", "hits.x", "label.fraud"])
def test_a_type_that_looks_like_a_follow_ups_is_told(kind: str) -> None:
    rules = RULES.replace("COUNTER", f"count: {kind}, by: user_id, over: 1h").replace("EVENT", "post")
    assert f'"{kind}" is a type of a producer\'s' in warnings(rules)


@pytest.mark.parametrize(
    ("kind", "mode", "told"), [("hit", "shadow", True), ("shadow", "shadow", False), ("hit", "enforce", False)]
)
def test_a_counter_of_hits_in_shadow_stays_at_0(kind: str, mode: str, told: bool) -> None:
    rules = f"""
version: 1
counters: {{asked: {{count: {kind}.other, by: user_id, over: 1h}}}}
rules:
  other: {{event: post, when: ["text == 'x'"], then: {{flag: x}}, mode: {mode}}}
  asks:  {{event: post, when: [asked >= 1], then: {{flag: x}}, mode: shadow}}
"""
    assert ("`asked` stays at 0 while rule `other` is in shadow" in warnings(rules)) == told


def test_what_may_be_taken_back_is_counted_and_not_remembered() -> None:
    rules = """
version: 1
values: {last_fraud: {age: last, of: label.spam, by: user_id, keep: 30d}}
rules:  {asks: {event: post, when: [last_fraud < 30d], then: {flag: x}, mode: shadow}}
"""
    _, found = check_rulebook({"r.yaml": rules})
    assert [one.message for one in found.errors] == ["`last_fraud` would remember what may be taken back"]


def test_a_circle_is_named_once_with_its_way() -> None:
    more = """
  third: {event: hit.asks, when: ["user_id == 'a'"], then: {flag: x}, mode: shadow}
"""
    assert problems("count: hit.third, by: user_id, over: 1h", more=more) == [
        "rule `asks` asks about its own hits: asks → third → asks"
    ]


def test_a_rule_about_a_follow_up_reads_no_score() -> None:
    rules = """
version: 1
models: {spam: {texts: [text]}}
rules: {asks: {event: label.spam, when: [score.spam > 0.5], then: {flag: x}, mode: shadow}}
"""
    _, found = check_rulebook({"r.yaml": rules})
    assert [one.message for one in found.errors] == ["models score events, and no label.spam"]
