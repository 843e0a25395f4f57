"""Patterns that cannot mean what they say are told."""

import pytest

from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.patterns import as_skeleton, compiles, look_at_classes

PLACE = Span("rules.yaml", 0, 0)


def test_a_pattern_that_is_none_is_reported_and_nowhere_else(capfd: pytest.CaptureFixture[str]) -> None:
    report = Diagnostics({})
    assert compiles("a+", PLACE, report)
    assert report.findings == []
    assert not compiles("(", PLACE, report)
    assert [one.message for one in report.errors] == ["this pattern is not valid (RE2): missing ): ("]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("(?!a)b", "neither ahead nor behind"), ("(?<=a)b", "neither ahead nor behind"), (r"(.)\1", "repeats(text)"),
        (r"\p{Emoji}", r"\x{1F300}"), (r"\u202E", r"\x{202E}"), ("a++", "possessive"), ("*a", '".*"'),
    ],
)  # fmt: skip
def test_what_other_engines_have_is_told(pattern: str, hint: str) -> None:
    report = Diagnostics({})
    assert not compiles(pattern, PLACE, report)
    assert hint in (report.errors[0].hint or "")


def test_two_backslashes_before_a_digit_are_warned_of() -> None:
    report = Diagnostics({})
    assert compiles(r"(.)\\1{9,}", PLACE, report) and compiles(r"C:\\Users", PLACE, report)
    assert [(one.severity, one.hint) for one in report.findings] == [
        ("warning", "patterns refer to nothing before: repeats(text) is the longest run")
    ]


@pytest.mark.parametrize(
    ("pattern", "warned"),
    [
        ("FREE", True),
        ("(?i)FREE", False),
        ("free", False),
        (r"\S\p{Lu}free", False),
        (r"\pL\PN", False),
        ("(?P<x>A)", True),
    ],
)
def test_a_skeleton_has_no_capitals(pattern: str, warned: bool) -> None:
    report = Diagnostics({})
    assert as_skeleton(pattern, PLACE, report) == pattern
    assert bool(report.findings) is warned


def test_letters_of_a_pattern_look_as_they_do_in_a_skeleton() -> None:
    assert as_skeleton("(?i)Aé.", PLACE, Diagnostics({})) == "(?i)Ae."


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"\bété", "write (?:^|"),
        (r"\bcafé\b", "write (?:^|"),
        (r"été\w+", r"write [\p{L}"),
        (r"été\d+", r"write [\p{L}"),
        (r"été\\w", None),
        (r"\bfoo\w", None),
        ("été", None),
    ],
)
def test_classes_that_know_ascii_alone_are_told_beside_other_letters(pattern: str, told: str | None) -> None:
    report = Diagnostics({})
    look_at_classes(pattern, PLACE, report)
    hints = [one.hint or "" for one in report.findings]
    assert [hint.startswith(told or "") for hint in hints] == ([] if told is None else [True])


@pytest.mark.parametrize(
    ("pattern", "warnings"),
    [
        ("(a{0,500}b?){2}c", 1),
        ("free.{0,200}money.{0,200}now", 1),
        ("free.{0,20}money", 0),
        ("|".join(map(str, range(999))), 0),
    ],
)
def test_a_pattern_that_may_take_long_is_warned_of(pattern: str, warnings: int) -> None:
    report = Diagnostics({})
    assert compiles(pattern, PLACE, report)
    assert [one.severity for one in report.findings] == ["warning"] * warnings
