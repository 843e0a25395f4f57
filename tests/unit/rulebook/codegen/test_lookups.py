"""Which events look reference data up: those whose rules need it, or the rules about what becomes of them."""

import pytest

from engine.rulebook.compiler import load_rulebook

RULES = """
version: 1
tables:
  plans: {{topic: plans, key: target_id, fields: {{plan: {{type: text, from: plan}}}}}}
counters:
  posts: {{count: post, by: user_id, over: 1h}}
  COUNTER
rules:
  first: {{event: post, when: [posts >= 1], then: [{{flag: x}}{more}]}}
  {rule}
"""


def sources(event_type: str, rule: str = "", more: str = "", counter: str = "") -> list[str]:
    """What events of a type look up."""
    text = RULES.format(rule=rule, more=more).replace("COUNTER", counter)
    program = load_rulebook({"rules.yaml": text}).program(event_type)
    return [one.source for one in program.lookups] if program is not None else []


@pytest.mark.parametrize(
    "rule",
    [
        "r: {event: label.spam, when: [known(user_id)], then: {flag: x, target: plans.plan}}",
        "r: {event: label.ham, when: ['plans.plan == \"free\"'], then: {flag: x}}",
        "r: {event: hit.first, when: ['plans.plan == \"free\"'], then: {flag: x}}",
        "r: {event: hit.first, when: [posts >= 1], then: [{flag: x}, {flag: x, target: plans.plan}]}",
        "s: {event: label.spam, when: [posts >= 1], then: {flag: x}}\n"
        "  r: {event: hit.s, when: ['plans.plan == \"free\"'], then: {flag: x}}",
    ],
)
def test_an_event_looks_up_what_rules_about_its_follow_ups_need(rule: str) -> None:
    assert sources("post", rule) == ["plans"]
    assert sources("comment", rule) == (["plans"] if "label" in rule else [])


@pytest.mark.parametrize("of", ["hit.first", "label.spam", "action.any"])
def test_it_does_so_for_counters_of_its_follow_ups(of: str) -> None:
    assert sources("post", counter=f"c: {{count: {of}, by: plans.plan, over: 1h}}") == ["plans"]


def test_a_further_action_may_be_about_what_is_looked_up() -> None:
    assert sources("post", more=", {hide: x, target: plans.plan}") == ["plans"]
    assert sources("post") == []
