"""Tests of rules: how many events they send, when these fire, and what is told where they do not."""

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.inline_tests import examples
from engine.rulebook.inline_tests.steps import numbered
from engine.rulebook.language.diagnostics import Diagnostics

RULES = """
version: 1
fields: {age: {type: duration, unit: h, from: account.age}, size: {type: size, unit: KB}, flag: bool, tags: list}
counters:
  posts: {count: post, by: user_id, over: 1h}
models:
  spam: {texts: [text], min_labels: 1}
rules:
  r:
    event: post
    when: ['CLAUSE']
    then: {flag: x}
    mode: shadow
    tests:
      - TEST
"""


def checked(test: str, clause: str = "posts > 3") -> Diagnostics:
    return check_rulebook({"rules.yaml": RULES.replace("CLAUSE", clause).replace("TEST", test)})[1]


def messages(test: str, clause: str = "posts > 3") -> list[str]:
    return [one.message for one in checked(test, clause).findings]


def test_tests_are_counted() -> None:
    assert checked("{send: {type: post}, fires: never}").tests_run == 1
    assert checked("{send: {type: post}, fires: never}\n      - {send: {type: post}, fires: never}").tests_run == 2


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("{send: {type: post}, fires: sometimes}", "`fires` is always or never"),
        ("{send: {type: post}, fires: never, fires_at: [1]}", "a test needs exactly one of `fires_at` and `fires`"),
        ("{send: {type: post}}", "a test needs exactly one of `fires_at` and `fires`"),
        ("{send: {type: post}, times: 5, fires_at: 4}",
         "`fires_at` lists whole numbers from 1 to `times`, for example [11]"),
        ("{send: {type: post}, times: 5, fires_at: [0]}",
         "`fires_at` lists whole numbers from 1 to `times`, for example [11]"),
        ("{send: {type: post}, times: 5, fires_at: [6]}",
         "`fires_at` lists whole numbers from 1 to `times`, for example [11]"),
        ("{steps: [{send: {type: post}}, {send: post}], fires: always}", "`send` is an event: a mapping"),
        ("{steps: [{send: {type: post}}, {times: 2}], fires: always}", "a step of a test needs `send`"),
        ("{steps: [{send: {type: post}, tims: 2}], fires: never}", 'a step of a test has no key "tims"'),
        ("{send: {type: post}, times: 0, fires: never}", "`times` is a whole number from 1 to 10000"),
        ("{send: {type: post}, times: 10001, fires: never}", "`times` is a whole number from 1 to 10000"),
        ("{send: {type: post}, every: often, fires: never}", "`every` is a duration, for example 4s"),
        ("{steps: [{send: {type: post}, times: 9999}, {send: {type: post}, times: 2}], fires: never}",
         "a test sends at most 10000 events"),
        ("{send: {type: post, tipe: x}, fires: never}", "nothing reads `tipe`"),
        ("{send: {type: post, flag: 1}, fires: never}", "`flag` is a bool, this is `1`"),
        ("{send: {type: post, tags: x}, fires: never}", "`tags` is a list, this is `x`"),
        ("{send: {type: post, age: x}, fires: never}", "`age` is a duration, this is `x`"),
        ("{send: {type: post, account: x, age: 3}, fires: never}",
         "`age` is inside `account`, which the test sends as a plain value"),
        ("{send: {type: post}, score: {spam: 1.1}, fires: never}", "`score` maps models to numbers from 0 to 1"),
        ("{send: {type: post}, score: {spam: -0.1}, fires: never}", "`score` maps models to numbers from 0 to 1"),
        ("{send: {type: post}, score: {ham: 0.5}, fires: never}", "`score` maps models to numbers from 0 to 1"),
        ("{send: {type: post}, score: {spam: high}, fires: never}", "`score` maps models to numbers from 0 to 1"),
        ("{send: {type: post}, score: 1, fires: never}", "`score` maps models to numbers from 0 to 1"),
        ("{send: {type: post, ts: 5}, fires: never}", None),
    ],
)  # fmt: skip
def test_what_a_test_cannot_say_is_told_once(test: str, told: str | None) -> None:
    [message] = messages(test)
    assert message == told if told is not None else message.startswith("this event would become a dead letter")


@pytest.mark.parametrize(
    ("test", "clause"),
    [
        ("{send: {type: post}, times: 5, fires_at: [5, 4]}", "posts > 3"),
        ("{send: {type: post}, times: 1, fires_at: [1]}", "posts > 0"),
        ("{send: {type: post}, times: 2, fires: always}", "posts > 0"),
        ("{send: {type: post}, times: 5, every: 20m, fires: never}", "posts > 3"),
        ("{send: {type: post}, times: 5, every: 14m, fires_at: [4, 5]}", "posts > 3"),
        ("{steps: [{send: {type: post}, times: 2}, {send: {type: post}, every: 2h}], fires_at: [2]}", "posts > 1"),
        ("{send: {type: post, flag: true, tags: [a]}, fires: always}", "flag and len(tags) == 1"),
        ("{send: {type: post, age: 2d}, fires: always}", "age == 2d"),
        ("{send: {type: post, account: {x: 1}, age: 3}, fires: always}", "age == 3h and event.account.x == 1"),
        ("{send: {type: post, age: 3, account: {x: 1}}, fires: always}", "age == 3h and event.account.x == 1"),
        ("{send: {type: post, size: 2MB}, fires: always}", "size == 2MB"),
        ("{send: {type: post, flag: }, fires: never}", "known(flag)"),
        ("{send: {type: post, flag: 1}, fires: always}", '"flag" in invalid_fields'),
        ("{send: {type: post}, score: {spam: 0}, fires: never}", "score.spam > 0"),
        ("{send: {type: post}, score: {spam: 0}, fires: always}", "score.spam == 0"),
        ("{send: {type: post}, score: {spam: 1}, fires: always}", "score.spam == 1"),
        ("{send: {type: post, text: 'n{n}', user_id: 'u{n}'}, times: 3, fires_at: [2]}", 'text == "n2"'),
        ("{send: {type: other}, state: {posts: 9}, fires: never}", "posts > 3"),
    ],
)
def test_a_test_that_is_right_passes(test: str, clause: str) -> None:
    assert messages(test, clause) == []


def test_as_many_events_as_there_may_be_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MAX_EVENTS", 7)
    steps = "{{steps: [{{send: {{type: post}}, times: 3}}, {{send: {{type: post}}, times: {}}}], fires: never}}"
    assert messages("{send: {type: post}, times: 7, fires: never}", "posts > 7") == []
    assert messages(steps.format(4), "posts > 7") == []
    assert messages(steps.format(5), "posts > 8") == ["a test sends at most 7 events"]


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (1, "1"),
        (10, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        (11, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more"),
    ],
)
def test_ten_events_are_told_and_the_rest_is_counted(times: int, told: str) -> None:
    expected = [f"rule `r` fires at {told}, the test expects no event"]
    assert messages(f"{{send: {{type: post}}, times: {times}, fires: never}}", "posts > 0") == expected


def test_a_number_stands_wherever_it_is_asked_for() -> None:
    assert numbered({"a": "x{n}", "b": ["{n}", 1], "c": {"d": "{n}"}}, 7) == {"a": "x7", "b": ["7", 1], "c": {"d": "7"}}
