"""Expressions as texts: where their parts stand in the file."""

import ast

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.literals import MAX_DEPTH, ExpressionText, depth_of, rooted_in_event

PLACE = Span("rules.yaml", 10, 4, 9)


def parsed(text: str, exact: bool = True) -> tuple[ExpressionText, ast.expr]:
    made = ExpressionText(text, PLACE, exact)
    tree = made.parse()
    assert isinstance(tree, ast.expr)
    return made, tree


def stops_at(text: str) -> tuple[int, int]:
    """Line and column of where it stops being an expression, from the begin of the text."""
    place = ExpressionText(text, PLACE, True).parse()
    assert isinstance(place, Span)
    return place.line - PLACE.line, place.column - (PLACE.column if place.line == PLACE.line else 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a > > 3", (0, 4)),
        ("a >", (0, 3)),
        ("a > 3)", (0, 5)),
        (") > 3", (0, 0)),
        (")", (0, 0)),
        ("a > 3]", (0, 5)),
        ("$a > 3", (0, 0)),
        ("a > $b", (0, 4)),
        ("a ) $", (0, 2)),
        ("a $ )", (0, 2)),
        ("(a > [3]) # b", (0, 10)),
        ("é > $b", (0, 4)),
        ("a >\n$b", (1, 0)),
        ("a >\n 3)", (1, 2)),
        ("a\nor", (1, 2)),
    ],
)
def test_the_first_sign_that_does_not_belong_there_is_told(text: str, at: tuple[int, int]) -> None:
    assert stops_at(text) == at


def test_what_is_quoted_may_hold_any_sign() -> None:
    for text in ("a == '$)'", 'a == "#;"', r'a == "\")"', "(a == ')')", "a != 3"):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("name", Span("rules.yaml", 10, 4, 4)),
        ("é + n", Span("rules.yaml", 10, 4, 5)),
        ("aaaa\nor bbbbbbbb", Span("rules.yaml", 10, 4, 1)),
    ],
)
def test_a_part_stands_where_it_is_written(text: str, span: Span) -> None:
    made, tree = parsed(text)
    assert made.span_of(tree) == span


def test_parts_of_a_second_line_stand_in_it() -> None:
    made, tree = parsed("a and\n  é and bcd")
    assert isinstance(tree, ast.BoolOp)
    assert [made.span_of(part) for part in tree.values] == [
        Span("rules.yaml", 10, 4, 1), Span("rules.yaml", 11, 2, 1), Span("rules.yaml", 11, 8, 3),
    ]  # fmt: skip
    assert made.place(2, 3) == Span("rules.yaml", 10, 6, 3)
    assert made.place(6, 3) == Span("rules.yaml", 11, 0, 3)
    assert made.place(8, 1) == Span("rules.yaml", 11, 2, 1)


def test_what_is_not_written_out_in_one_line_stands_as_a_whole() -> None:
    made, tree = parsed("a and bcd", exact=False)
    assert made.span_of(tree) == PLACE
    assert made.place(2, 3) == PLACE


def test_texts_and_units_are_known_by_their_place() -> None:
    made, tree = parsed("['é', 7d, 'b',\n 1.5h, \"c\", d]")
    assert isinstance(tree, ast.List)
    assert [made.literal(item) for item in tree.elts] == ["'é'", "7d", "'b'", "1.5h", '"c"', None]


def test_texts_that_stand_side_by_side_are_no_text() -> None:
    made, tree = parsed("'a' 'b'")
    assert made.literal(tree) is None


def test_a_clause_over_several_lines_is_read_as_one() -> None:
    text = (
        "version: 1\nrules:\n  r:\n    event: post\n    when:\n      - |\n        known(text) and\n"
        "        text == \"a\" or\n        text matches 'b'\n    then: {flag: x}\n"
    )
    _, diagnostics = check_rulebook({"rules.yaml": text})
    assert diagnostics.errors == []


def test_a_chain_of_names_begins_with_its_first() -> None:
    found = [rooted_in_event(ast.parse(text, mode="eval").body) for text in ("event.a.b", "event", "a.event", "f().a")]
    assert found == [True, True, False, False]


def test_the_depth_of_a_tree_counts_its_longest_branch() -> None:
    assert depth_of(ast.Constant("a")) == 1
    assert depth_of(ast.parse("a.b.c or d", mode="eval").body) == 5  # the last of them is how a name is used
    assert depth_of(ast.parse("not " * 900 + "a", mode="eval").body) == MAX_DEPTH + 1
