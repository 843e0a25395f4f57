"""Findings are told once, in the order of the source, with a caret under what is meant."""

import pytest

from engine.errors import RulebookError
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean

SOURCES = {"a.yaml": "one\ntwo words\n", "b.yaml": ""}


def report(*spans: Span) -> list[str]:
    made = Diagnostics(SOURCES)
    for place, span in enumerate(spans):
        made.error(span, f"e{place}")
    return made.report().split("\n")


@pytest.mark.parametrize(
    ("column", "width", "carets"),
    [
        (0, 3, "^^^"),
        (4, 5, "    ^^^^^"),
        (4, 99, "    ^^^^^"),
        (8, 2, "        ^"),
        (9, 1, "         ^"),
        (2, 0, "  ^"),
    ],
)
def test_carets_stand_under_what_is_meant_and_not_beyond_the_line(column: int, width: int, carets: str) -> None:
    assert report(Span("a.yaml", 1, column, width)) == [
        f"a.yaml:2:{column + 1}: error: e0", "    2 | two words", f"      | {carets}"
    ]  # fmt: skip


def test_behind_the_end_of_a_file_there_is_no_line_to_show() -> None:
    assert report(Span("a.yaml", 1, 0)) != report(Span("a.yaml", 2, 0)) == ["a.yaml:3:1: error: e0"]
    assert report(Span("gone.yaml", 0, 0)) == ["gone.yaml:1:1: error: e0"]


def test_findings_stand_in_the_order_of_the_source() -> None:
    told = report(Span("b.yaml", 0, 0), Span("a.yaml", 1, 4), Span("a.yaml", 1, 0), Span("a.yaml", 0, 1))
    assert [line for line in told if "error" in line] == [
        "a.yaml:1:2: error: e3", "a.yaml:2:1: error: e2", "a.yaml:2:5: error: e1", "b.yaml:1:1: error: e0"
    ]  # fmt: skip


def test_one_error_at_a_place_is_enough_and_a_warning_does_not_count() -> None:
    made, place = Diagnostics(SOURCES), Span("a.yaml", 0, 0)
    made.warning(place, "w")
    made.raise_on_errors()
    made.error(place, "e")
    made.error(place, "another")
    made.error(Span("a.yaml", 0, 1), "elsewhere")
    assert [one.message for one in made.errors] == ["e", "elsewhere"]
    assert [one.message for one in made.findings] == ["e", "w", "elsewhere"]
    with pytest.raises(RulebookError):
        made.raise_on_errors()


def test_a_close_name_is_meant_and_no_other() -> None:
    assert did_you_mean("post", ["posts", "likes"]) == 'did you mean "posts"?'
    assert did_you_mean("zzz", ["posts", "likes"]) is None
