"""Expressions: how long and deep they may be, what may stand beside what, and what is said where it may not."""

import pytest

from engine.core.domain.events import Event
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.rulebook.language.diagnostics import Diagnostic

RULES = """
version: 1
fields:
  age: {type: duration, unit: h}
  wait: {type: duration, unit: s}
  size: {type: size, unit: KB}
  tags: list
  flag: bool
lists:
  bad: {values: [x]}
rules:
  r:
    event: post
    when:
      - >-
        CLAUSE
    then: {flag: x}
"""


def found(clause: str) -> list[Diagnostic]:
    _, diagnostics = check_rulebook({"rules.yaml": RULES.replace("CLAUSE", clause)})
    return diagnostics.errors


def messages(clause: str) -> list[str]:
    return [one.message for one in found(clause)]


def hint(clause: str) -> str:
    [error] = found(clause)
    return error.hint or ""


def holds(clause: str, **fields: object) -> bool:
    book = load_rulebook({"rules.yaml": RULES.replace("CLAUSE", clause)})
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    return bool(ExampleStage(book, {}).send(event))


def test_an_expression_has_at_most_two_thousand_characters() -> None:
    longest = 'text == "' + "x" * 1_990 + '"'
    assert len(longest) == 2_000
    assert messages(longest) == []
    assert messages('text  == "' + "x" * 1_990 + '"') == ["this expression is longer than 2000 characters"]


def test_an_expression_is_at_most_forty_levels_deep() -> None:
    assert messages("not " * 38 + "flag") == []  # a name counts as two levels
    assert messages("not " * 39 + "flag") == ["this expression is nested too deeply"]


def test_a_number_has_at_most_eighteen_digits() -> None:
    assert messages("event.n < 999999999999999999") == []
    assert messages("event.n < 1000000000000000000") == ["this literal is not part of the rule language"]


def test_a_text_may_have_the_escapes_that_mean_something_in_it() -> None:
    assert holds(r'text == "a\n\t\\b"', text="a\n\t\\b")
    assert messages(r'text == "a\d"') == [r"`\d` means something in a pattern alone"]
    assert hint(r'text == "\na\d"') == r"write \\d for the two signs"


def test_a_sign_before_a_number_is_its_own() -> None:
    assert holds("event.n == -3", n=-3)
    assert not holds("event.n == -3", n=3)


@pytest.mark.parametrize("clause", ["text == tags", "tags == text"])
def test_lists_are_not_compared(clause: str) -> None:
    assert hint(clause) == '"x" in tags asks for an item, len(tags) for its length'


@pytest.mark.parametrize(
    ("clause", "values", "expected"),
    [
        ("event.a > event.b", ("y", "x"), False),  # unknown: texts have no order here
        ("event.a > event.b", (2, 1), True),
        ("event.a == event.b", ("x", "x"), True),
        ("event.a != event.b", ("x", "y"), True),
        ("event.a + event.b == 3", (1, 2), True),
        ("event.a - event.b == 3", (5, 2), True),
    ],
)
def test_what_is_undeclared_is_a_number_where_an_order_is_asked_for(
    clause: str, values: tuple[object, object], expected: bool
) -> None:
    assert holds(clause, a=values[0], b=values[1]) is expected


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_texts_and_truth_values_have_no_order(op: str) -> None:
    assert messages(f'text {op} "a"') == [f"`{op}` compares numbers, durations and sizes, not a text"]
    assert messages(f"flag {op} true") == [f"`{op}` compares numbers, durations and sizes, not a truth value"]
    assert messages(f"age {op} 1h and size {op} 1KB and event.n {op} 1") == []


@pytest.mark.parametrize("written", ["[]", '[1, "a"]', '["a", text]', "[text]", "[lower(text)]"])
def test_a_list_that_is_written_out_holds_literals_of_one_type(written: str) -> None:
    assert messages(f"text in {written}") == ["a list holds literals of one type"]


def test_a_list_that_is_written_out_may_be_asked_for_items_of_the_event() -> None:
    assert messages('text in ["a", "b"] and event.n in [1, 2] and text in ("a", "b")') == []
    assert holds('tags in ["a", "b"]', tags=["x", "b"])
    assert not holds('tags in ["a", "b"]', tags=["x", "y"])
    assert holds('event.n not in ["a"]', n="b")
    assert not holds('event.n not in ["a"]', n="a")


def test_what_is_looked_for_in_a_skeleton_looks_like_one() -> None:
    assert holds('"FREE" in skeleton(text)', text="so fRee")
    assert not holds('"FREE" in lower(text)', text="so free")
    assert holds('skeleton(text) matches "é"', text="cafe")


def test_what_is_looked_for_in_a_skeleton_is_found_in_all_ways_to_read_it() -> None:
    assert holds('"free" in skeleton(text)', text="fr-ee")
    assert holds('skeleton(text) matches "free +money"', text="FREE\U0001f4b0MONEY")
    assert holds('skeleton(text) matches "^free$"', text="fr\U0001f525ee")
    assert holds('skeleton(text) == "free"', text="fr\U0001f525ee")
    assert not holds('"free" in skeleton(text)', text="fr ee")
    assert not holds('lower(text) matches "é"', text="cafe")
    assert holds('lower(text) matches "é"', text="CAFÉ")


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ("age + event.n > 3h", None),
        ("age - wait > 3h", None),
        ("age / wait > 3", None),
        ("age / 2 > 3h", None),
        ("age * 2 > 3h", None),
        ("2 * age > 3h", None),
        ("age * event.n > 3h", None),
        ("age / event.n > 3h", None),
        ("age * wait > 3", "a duration * a duration has no meaning"),
        ("2 / age > 3", "a number / a duration has no meaning"),
        ("age + 2 > 3h", "a duration + a number has no meaning"),
        ("age - size > 3h", "a duration - a size has no meaning"),
        ("age * size > 3h", "a duration * a size has no meaning"),
        ("text + 1 > 2", "`+` needs numbers, this is a text"),
    ],
)
def test_arithmetic_with_units_has_to_mean_something(clause: str, told: str | None) -> None:
    assert messages(clause) == ([] if told is None else [told])


def test_what_is_undeclared_beside_a_duration_is_one_where_they_are_added_alone() -> None:
    assert holds("age + event.n > 3h", age=2, n=3_700_000)
    assert holds("age * event.n > 3h", age=2, n=2)
    assert not holds("age * event.n > 3h", age=2, n=1)


def test_functions_are_told_how_many_arguments_they_take() -> None:
    assert messages("min(event.n) > 1") == ["min() takes 2 arguments, not 1"]
    assert messages("len() > 1") == ["len() takes 1 argument, not 0"]
    assert messages("len(tags) > 1 and len(text) > 1") == []
    assert messages("len(age) > 1") == ["len() takes a text or a list, this is a duration"]
    assert messages("lower(tags) == text") == ["a text is needed here, this is a list"]
    assert messages('skeleton("FRÉÉ") == text') == []


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("text", 'compare it with something, for example == "x", or ask whether it is there: known(x)'),
        ("age", "compare it with something, for example > 10"),
        ("size", "compare it with something, for example > 10"),
        ("len(text)", "compare it with something, for example > 10"),
        ("age > 3", "a duration needs a unit: 3d, 3h or 3m"),
        ("3 > age", "a duration needs a unit: 3d, 3h or 3m"),
        ("size > 3", "a size needs a unit: 3KB or 3MB"),
        ("3 > size", "a size needs a unit: 3KB or 3MB"),
        ('size == "a"', ""),
        ('age == "a"', ""),
        ("size > len(text)", ""),
        ("age > len(text)", ""),
        ("event.n + 1 == flag", ""),
    ],
)
def test_what_is_missing_is_told_where_it_can_be_known(clause: str, expected: str) -> None:
    assert hint(clause) == expected


def test_only_values_are_compared() -> None:
    told = "a condition cannot be compared"
    assert messages("(age > 1h) == true") == [told]
    assert messages("(flag and flag) == true") == [told]
    assert messages("flag == true") == []
    assert messages("true == flag") == []


@pytest.mark.parametrize(
    ("clause", "n", "expected"),
    [
        ("1 <= event.n < 3", 1, True),
        ("1 <= event.n < 3", 2, True),
        ("1 <= event.n < 3", 3, False),
        ("1 <= event.n < 3", 0, False),
    ],
)
def test_comparisons_may_be_chained(clause: str, n: int, expected: bool) -> None:
    assert holds(clause, n=n) is expected
