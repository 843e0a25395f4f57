"""Macros mean what is written out, and each of their clauses is told by itself."""

import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import check_rulebook, load_rulebook

HEAD = """version: 1
fields: {verified: bool, amount: number, note: text, age: {type: duration, unit: d}}
macros:
  newcomer: [age < 7d, not verified]
  fresh: {args: {least: 7d, most: 3}, clauses: [age < least, 'amount > most or verified']}
  says: {args: {word: 'a, b'}, clauses: [word in note]}
"""


def book_of(groups: str, head: str = HEAD) -> Rulebook:
    rule = f"rules:\n  r: {{event: post, {groups}, then: {{flag: x}}, mode: shadow}}\n"
    return load_rulebook({"rules.yaml": head + rule})


def messages(groups: str, head: str = HEAD) -> list[str]:
    rule = f"rules:\n  r: {{event: post, {groups}, then: {{flag: x}}, mode: shadow}}\n"
    _, report = check_rulebook({"rules.yaml": head + rule})
    return [finding.message for finding in report.errors]


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("when: [newcomer, amount > 1]", "when: [age < 7d, not verified, amount > 1]"),
        ("when: [fresh]", "when: [age < 7d, 'amount > 3 or verified']"),
        ("when: ['fresh()']", "when: [age < 7d, 'amount > 3 or verified']"),
        ("when: ['fresh(2d)']", "when: [age < 2d, 'amount > 3 or verified']"),
        ("when: ['fresh(2d, 5)']", "when: [age < 2d, 'amount > 5 or verified']"),
        ("any: [newcomer, amount > 1]", "any: [age < 7d and not verified, amount > 1]"),
        ("any: [fresh, verified]", "any: ['age < 7d and (amount > 3 or verified)', verified]"),
        ("when: [amount > 1], unless: [newcomer]", "when: [amount > 1], unless: [age < 7d and not verified]"),
        ("when: ['says(\"x, y\")']", "when: ['\"x, y\" in note']"),
        ("when: [says]", "when: ['\"a, b\" in note']"),
    ],
)
def test_a_macro_means_what_is_written_out(named: str, written: str) -> None:
    found, expected = book_of(named).rules[0], book_of(written).rules[0]
    assert found.clauses == expected.clauses
    assert found.fingerprint == expected.fingerprint


def test_a_term_of_a_score_may_be_a_macro() -> None:
    scores = "scores:\n  risk: {newcomer: 5, fresh(2d): 3}\n"
    written = "scores:\n  risk: {age < 7d and not verified: 5, 'age < 2d and (amount > 3 or verified)': 3}\n"
    tests = "tests: [{send: {type: post, age: 1d, verified: false, amount: 4}, fires: always}]"
    for section in (scores, written):
        book_of(f"when: [risk == 8], {tests}", HEAD + section)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("when: [newcomer and amount > 1]", '"newcomer" is a macro, which stands alone as a clause'),
        ("when: ['fresh(2d) or verified']", "`fresh` is a macro, which stands alone as a clause"),
        ("when: ['newcomer(2d)']", "macro `newcomer` takes no arguments, not 1"),
        ("when: ['fresh(2d, 3, 4)']", "macro `fresh` takes 2 arguments, not 3"),
        ("when: ['fresh(2)']", "`least` of macro `fresh` is a duration, `2` is not"),
        ("when: ['fresh(age)']", "`least` of macro `fresh` is a duration, `age` is not"),
        ("when: ['fresh(2 d)']", "this is not an expression"),
        ("when: [newcomr]", 'unknown name "newcomr"'),
    ],
)
def test_what_is_wrong_in_a_use_is_said(groups: str, expected: str) -> None:
    assert messages(groups) == [expected]


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("[]", "a macro is a list of clauses, 32 at most"),
        ("age < 7d", "macro `m` must be a mapping, this is `age < 7d`"),
        ("{args: {n: 3}}", "macro `m` needs `clauses`: all of these hold"),
        ("{args: 3, clauses: [verified]}", "`args` maps names to what each is otherwise"),
        ("{args: {amount: 3}, clauses: [verified]}", '"amount" cannot be an argument'),
        ("[verifed]", 'unknown name "verifed"'),
        ("[newcomer]", '"newcomer" is a macro, which stands alone as a clause'),
        ("[amount]", "a truth value is needed here, this is a number"),
    ],
)
def test_what_is_wrong_in_a_macro_is_said_even_if_nothing_uses_it(macro: str, expected: str) -> None:
    assert messages("when: [verified]", f"{HEAD}  m: {macro}\n") == [expected]


def test_an_argument_is_known_in_its_macro_alone() -> None:
    derived = "derived:\n  young: age < least\n"
    assert messages("when: [young]", HEAD + derived) == ['unknown name "least"']


@pytest.mark.parametrize(
    ("name", "told"),
    [("age", '"age" is declared twice, first in rules.yaml:2'), ("text", "`text` has a fixed meaning"),
     ("posts", '"posts" is declared twice, first in rules.yaml:')],
)  # fmt: skip
def test_a_macro_has_a_name_of_its_own(name: str, told: str) -> None:
    """Nobody could tell what a clause means that is a name of two things."""
    head = HEAD.replace("newcomer:", f"{name}:") + "counters:\n  posts: {count: post, by: user_id, over: 1h}\n"
    assert any(each.startswith(told) for each in messages("when: [amount > 1]", head))
