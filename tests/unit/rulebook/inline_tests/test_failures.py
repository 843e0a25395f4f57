"""A rule's test that fails says which clause was what, at which event, with the values that it read."""

import pytest

from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
fields: {age: {type: duration, unit: s}, mail: bool, text: text}
counters:
  posts: {count: post, by: user_id, over: 1m}
  per_ip: {count: post, by: ip, over: 1h}
models:
  spam: {texts: [text], min_labels: 1}
rules:
  r:
    event: post
    when: [CLAUSES]
    then: {flag: user}
    cooldown: {per: user_id, for: 1h}
    mode: shadow
    tests:
      - TEST
"""


def hints(test: str, clauses: str) -> list[str | None]:
    found = check_rulebook({"rules.yaml": RULES.replace("CLAUSES", clauses).replace("TEST", test)})[1].findings
    return [one.hint for one in found if one.severity == "error"]


@pytest.mark.parametrize(
    ("test", "clauses", "told"),
    [
        ("{send: {type: post}, times: 12, fires_at: [5, 6]}", "posts > 10, age < 1d",
         "at event 5: `posts > 10` is false (posts = 5), `age < 1d` is unknown, as age is not there"),
        ("{send: {type: post, age: 200000}, times: 12, fires_at: [11]}", "posts > 10, age < 1d",
         "at event 11: `age < 1d` is false (age = 2.315d)"),
        ("{send: {type: post}, times: 3, fires: never}", "posts > 2", "at event 3: posts = 3 > 2"),
        ("{send: {type: post, mail: true}, fires: always}", "not mail",
         "at event 1: `not mail` is false (mail = True)"),
        ("{send: {type: post, text: hello}, fires: always}", '\'text == "bye"\'',
         "at event 1: `text == \"bye\"` is false (text = 'hello')"),
        ("{send: {type: post}, fires: always}", "score.spam > 0.5",
         "at event 1: `score.spam > 0.5` is unknown, as score.spam is not there"),
        ("{send: {type: post}, score: {spam: 0.25}, fires: always}", "score.spam > 0.5",
         "at event 1: `score.spam > 0.5` is false (score.spam = 0.25)"),
        ("{send: {type: like}, fires: always}", "posts > 2", "at event 1: the rule is not asked about the type `like`"),
        ("{send: {type: post, ip: 192.0.2.1}, times: 2, fires_at: [1]}", "per_ip > 1",
         "at event 1: `per_ip > 1` is false (per_ip = 1)"),
        ("{send: {type: post}, times: 2, fires_at: [2]}", "posts > 5",
         "at event 2: `posts > 5` is false (posts = 2)"),
        ("{steps: [{send: {type: like}}, {send: {type: post}}], fires_at: [2]}", "posts > 5",
         "at event 2: `posts > 5` is false (posts = 1)"),
    ],
)  # fmt: skip
def test_the_first_event_that_is_not_as_expected_is_told(test: str, clauses: str, told: str) -> None:
    assert hints(test, clauses) == [told]


def test_a_rule_that_rests_is_told_from_one_that_does_not_hold() -> None:
    assert hints("{send: {type: post}, times: 4, fires: always}", "posts > 0") == [
        "at event 2: all its clauses hold, and what came of it is `cooldown`"
    ]


def test_few_clauses_are_told_and_the_others_counted() -> None:
    clauses = ", ".join(f"posts > {number}" for number in range(10, 17))
    [told] = hints("{send: {type: post}, fires: always}", clauses)
    assert told is not None
    assert told.endswith("`posts > 13` is false (posts = 1), and 3 more")


def test_an_event_that_is_named_twice_is_expected_once() -> None:
    assert hints("{send: {type: post}, fires_at: [1, 1]}", "posts > 0") == []
