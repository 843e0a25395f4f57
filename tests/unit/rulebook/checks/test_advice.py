"""What is probably not meant is told, and what is meant is left alone."""

import pytest

from engine.rulebook.compiler import check_rulebook

META = "meta: {owner: ann, why: spam, expires: 2027-06-01}"
TESTS = "tests: [{send: {type: post}, fires: never}]"


def warnings(*rules: str) -> list[str]:
    lines = [f"  {'abc'[place]}: {{event: post, {rule}}}\n" for place, rule in enumerate(rules)]
    text = "version: 1\nfields: {amount: number, other: number, name: text}\nrules:\n" + "".join(lines)
    _, diagnostics = check_rulebook({"rules.yaml": text})
    assert diagnostics.errors == []
    return [one.message for one in diagnostics.findings]


def in_shadow(*clauses: str) -> list[str]:
    return warnings(f"when: [{', '.join(clauses)}], then: {{flag: x}}, mode: shadow")


@pytest.mark.parametrize(
    "clauses",
    [
        ("amount >= 3", "amount <= 3"),
        ("amount == 3", "amount > 2"),
        ("amount == 3", "amount < 4"),
        ("amount > 3", "amount < 4"),
        ("3 < amount", "4 > amount"),
        ("3 <= amount", "3 >= amount"),
        ("amount > 4", "other < 3"),
        ("amount > 4",),
        ("amount > 3", "amount >= 3", "amount < 5"),
        ("amount > -3", "amount < 0"),
        ("amount != 3", "amount == 3 or amount == 4"),
    ],
)
def test_bounds_that_something_lies_between_are_right(clauses: tuple[str, ...]) -> None:
    assert in_shadow(*clauses) == []


@pytest.mark.parametrize(
    "clauses",
    [
        ("amount > 3", "amount <= 3"),
        ("amount >= 3", "amount < 3"),
        ("amount == 3", "amount > 3"),
        ("amount == 3", "amount < 3"),
        ("amount == 3", "amount == 4"),
        ("amount > 4", "amount < 3"),
        ("3 >= amount", "4 <= amount"),
        ("3 > amount", "amount >= 3"),
    ],
)
def test_bounds_that_nothing_lies_between_are_told(clauses: tuple[str, ...]) -> None:
    told = " and ".join(f"`{clause}`" for clause in clauses)
    assert in_shadow(*clauses) == [f"no `amount` is both: {told}; the rule never holds"]


def test_what_is_asked_for_and_excluded_is_told() -> None:
    rule = "when: [amount > 3], unless: [{}], then: {{flag: x}}, mode: shadow"
    assert warnings(rule.format("amount > 3")) == ["this is asked for above: the rule never holds"]
    assert warnings(rule.format("amount > 4")) == []


@pytest.mark.parametrize(
    ("rest", "missing"),
    [
        (f"{META}, {TESTS}", None),
        (META, "tests"),
        (TESTS, "`owner`, `why`, `expires`"),
        (f"mode: canary 5%, {META}", "tests"),
        ("mode: shadow", None),
        (f"meta: {{owner: ann, why: spam}}, {TESTS}", "`expires`"),
        ("meta: {owner: '', why: spam, expires: 2027-06-01}, " + TESTS, "`owner`"),
    ],
)
def test_a_rule_that_acts_says_who_answers_for_it(rest: str, missing: str | None) -> None:
    expected = [] if missing is None else [f"rule `a` acts, and has no {missing}"]
    assert warnings(f"when: [amount > 3], then: {{limit: posting}}, {rest}") == expected


def test_an_allow_rule_needs_nobody() -> None:
    assert warnings("when: [amount > 3], then: allow") == []


def test_rules_that_say_the_same_are_told_whatever_the_order_of_their_clauses() -> None:
    one = "when: [amount > 3, other > 1], then: {flag: x}, mode: shadow"
    swapped = "when: [other > 1, amount > 3], then: {flag: x}, mode: shadow"
    assert warnings(one, swapped) == ["rule `b` says the same as `a`"]
    assert warnings(one, swapped, one) == ["rule `b` says the same as `a`", "rule `c` says the same as `a`"]
    assert warnings(one, one.replace("flag", "hide")) == []
    assert warnings(one, one.replace("when", "any")) == []


POINTS = "no `risk` is both: from -20 to 40 (its points)"
SCORED = """version: 1
fields: {foreign: bool, verified: bool, amount: number, country: text}
params: {most: {default: 3, by: country, values: {DE: 5}}}
scores: {risk: {foreign: 30, not verified: 10, 'amount > 5': -20}}
rules:
  other: {event: like, when: [foreign], then: {flag: x}, mode: shadow}
"""


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (("risk >= 40",), []),
        (("risk > 40",), [f"{POINTS} and `risk > 40`; the rule never holds"]),
        (("risk < -20",), [f"{POINTS} and `risk < -20`; the rule never holds"]),
        (("amount > params.most", "amount < 4"), []),
        (("amount > params.most", "amount < 3"),
         ["no `amount` is both: `amount > params.most` and `amount < 3`; the rule never holds"]),
        (("rule.other",), ["`rule.other` is about like events, and never holds here"]),
    ],
)  # fmt: skip
def test_what_a_score_or_a_parameter_cannot_be_is_told(clauses: tuple[str, ...], expected: list[str]) -> None:
    rule = f"  r: {{event: post, when: [{', '.join(clauses)}], then: {{flag: x}}, mode: shadow}}\n"
    _, diagnostics = check_rulebook({"rules.yaml": SCORED + rule})
    assert diagnostics.errors == []
    assert [one.message for one in diagnostics.findings] == expected


LISTED = 'url_domain in ["good.example"]'


@pytest.mark.parametrize(
    ("rule", "is_told"),
    [
        (f"when: [amount > 1], unless: ['{LISTED}'], then: {{flag: x}}", True),
        (f"when: ['not ({LISTED})'], then: {{flag: x}}", True),
        (f"when: ['amount > 1 and not ({LISTED})'], then: {{flag: x}}", True),
        (f"when: ['{LISTED}'], then: allow", True),
        (f"when: ['{LISTED}'], then: {{flag: x}}", False),
        (f"when: [amount > 1], unless: ['not ({LISTED})'], then: {{flag: x}}", False),
        (f"when: [amount > 1], unless: ['{LISTED}'], then: allow", False),
    ],
)
def test_links_that_spare_an_event_are_told(rule: str, is_told: bool) -> None:
    told = [one for one in warnings(f"{rule}, mode: shadow") if "spares an event" in one]
    assert bool(told) == is_told
