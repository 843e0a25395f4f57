"""What a rule adds to a list: what it has to say, and where it cannot."""

import pytest

from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
lists: {bad: {live: true}, fixed: {values: [a]}}
fields: {age: number}
rules:
  r: {event: post, when: [event.n > 1], then: THEN}
"""
WHOLE = "{add: lists.bad, value: url_domain, for: 1h, max: 5}"


def messages(then: str) -> list[str]:
    _, found = check_rulebook({"r.yaml": RULES.replace("THEN", then)})
    return [one.message for one in found.errors]


def test_an_addition_is_read() -> None:
    [rule] = load_rulebook({"r.yaml": RULES.replace("THEN", WHOLE)}).rules
    then = rule.then
    assert (then.kind, then.scope, then.target, then.for_ms, then.most) == ("add", "bad", "url_domain", 3_600_000, 5)
    [rule] = load_rulebook({"r.yaml": RULES.replace("THEN", WHOLE.replace("url_domain", "user_id"))}).rules
    assert rule.then.target == "user"


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("{add: lists.bad, value: url_domain, for: 1h}", "what a rule adds has `max` too"),
        ("{add: lists.bad}", "what a rule adds has `value`, `for`, `max` too"),
        (WHOLE.replace("bad", "fixed"), 'there is no live list "fixed"'),
        (WHOLE.replace("url_domain", "age"), '"age" cannot be added to a list'),
        (WHOLE.replace("max: 5", "max: 0"), "`max` is how many entries stand at once, from 1 to 10,000"),
        (WHOLE.replace("max: 5", "max: 5, needs: review"), "`needs` does not go with `add`"),
        ("{limit: posting, max: 5}", "`max` goes with `add`"),
        (WHOLE + ", enforce: {delay: 1h}", "what is added to a list is added at once, without a `delay`"),
    ],
)
def test_what_is_wrong_is_told(then: str, told: str) -> None:
    assert messages(then) == [told]
