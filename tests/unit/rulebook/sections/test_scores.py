"""Scorecards as they are written: what a term may be, how much it may add, what may stand on what."""

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.schema import MAX_TERMS
from engine.rulebook.sections.declarations import MAX_LAYERS

FIELDS = "version: 1\nfields: {foreign: bool, amount: number}\n"
POINTS = "the points of `foreign` are a number that is not 0, up to 1,000,000"
TOO_MANY = "score `risk` maps terms to points, from 1 to 64 of them"
RULE = "rules:\n  more: {event: post, when: [amount > 5], then: {flag: x}, mode: shadow}\n"


def messages(text: str) -> list[str]:
    _, report = check_rulebook({"rules.yaml": text})
    return [finding.message for finding in report.errors]


@pytest.mark.parametrize(
    "terms",
    [
        "{foreign: 35}",
        "{'amount > 500': 20, not foreign: -5}",
        "{rule.more: 0.125}",
        "{high: 1}",
        "{risk_free: 1, 'small > 3': 2}",
        "{foreign: 1_000}",
    ],
)
def test_a_term_is_a_condition_of_any_kind(terms: str) -> None:
    derived = "derived:\n  high: amount > 7\n  risk_free: 'small < 1 and not foreign'\n"
    assert messages(f"{FIELDS}{derived}scores:\n  small: {{foreign: 3}}\n  risk: {terms}\n{RULE}") == []


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("{}", TOO_MANY),
        ("[foreign]", TOO_MANY),
        ("{amount: 3}", "a truth value is needed here, this is a number"),
        ("{foreign: 0}", f"{POINTS}; this is `0`"),
        ("{foreign: true}", f"{POINTS}; this is `true`"),
        ("{foreign: 2_000_000}", f"{POINTS}; this is `2_000_000`"),
        ("{foreign: 0.0001}", "the points of `foreign` have at most 3 decimals"),
        ("{foreing: 1}", 'unknown name "foreing"'),
        (f"{{'amount > 1{' ' * 200}': 1}}", "a term has at most 200 characters: decisions tell it"),
        ("{rule.less: 1}", 'unknown rule "less"'),
        ("{risk > 3: 1}", '"risk" is defined by itself'),
        ("{later > 3: 1}\n  later: {foreign: 1}", '"later" is declared further down'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(terms: str, expected: str) -> None:
    assert messages(f"{FIELDS}scores:\n  risk: {terms}\n{RULE}") == [expected]


def test_there_are_so_many_terms_and_no_more() -> None:
    for count, expected in (
        (MAX_TERMS, []),
        (MAX_TERMS + 1, [TOO_MANY]),
    ):
        terms = "".join(f"    amount > {place}: 1\n" for place in range(count))
        assert messages(f"{FIELDS}scores:\n  risk:\n{terms}{RULE}") == expected


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ("derived:\n  around: risk + 1\nscores:\n  risk: {around > 1: 1}\n", "around"),
        ("scores:\n  risk: {rule.more: 1}\nderived:\n  high: risk > 1\n", "rule.more"),
    ],
)
def test_no_circle_goes_through_other_sections(more: str, asked: str) -> None:
    rule = "rules:\n  more: {event: post, when: [risk > 1], then: {flag: x}, mode: shadow}\n"
    found = messages(FIELDS + more + rule)
    assert len(found) == 1
    assert found[0].endswith("is defined by itself"), asked


def test_rules_may_ask_for_each_other_but_not_in_a_circle() -> None:
    rules = "  a: {event: post, when: [rule.b], then: {flag: x}, mode: shadow}\n"
    last = "  b: {event: post, when: [foreign], then: {flag: x}, mode: shadow}\n"
    assert messages(f"{FIELDS}rules:\n{rules}{last}") == []
    circle = "  b: {event: post, when: [rule.a], then: {flag: x}, mode: shadow}\n"
    assert messages(f"{FIELDS}rules:\n{rules}{circle}") != []


def test_scores_stand_on_each_other_so_deep_and_no_deeper() -> None:
    for depth, expected in (
        (MAX_LAYERS, []),
        (MAX_LAYERS + 1, [f"scores and rules stand on each other at most {MAX_LAYERS} deep"]),
    ):
        scores = "".join(f"  s{place}: {{s{place - 1} > 0: 1}}\n" for place in range(1, depth))
        assert messages(f"{FIELDS}scores:\n  s0: {{foreign: 1}}\n{scores}{RULE}") == expected


def test_a_counter_cannot_ask_for_a_rule() -> None:
    counters = "counters:\n  c: {count: post, where: rule.more, by: user_id, over: 1h}\n"
    assert messages(FIELDS + counters + RULE) == ["`rule.more` is not known here"]


def test_what_is_wrong_in_a_rule_is_said_once() -> None:
    rule = "rules:\n  more: {event: post, when: [amout > 5], then: {flag: x}, mode: shadow}\n"
    found = messages(f"{FIELDS}scores:\n  risk: {{rule.more: 1}}\n{rule}")
    assert found == ['unknown name "amout"']


@pytest.mark.parametrize("asked", ["second + 1", "first + second", "second + first"])
def test_a_derived_value_may_ask_for_a_score_that_stands_on_one_above_it(asked: str) -> None:
    scores = "scores:\n  first: {foreign: 1}\n  second: {first > 0: 1}\n"
    assert messages(f"{FIELDS}derived: {{total: {asked}}}\n{scores}") == []


def test_what_stands_further_down_is_named_even_where_it_is_read_ahead() -> None:
    scores = "scores:\n  first: {second > 0: 1}\n  second: {foreign: 1}\n"
    assert messages(f"{FIELDS}derived: {{total: first + 1}}\n{scores}") == ['"second" is declared further down']
