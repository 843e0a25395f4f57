"""YAML without its traps: what is a number, what is a word, and where it stands."""

import pytest

from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.source import MAX_DEPTH, Node, parse


def read(text: str) -> tuple[Node | None, list[str]]:
    report = Diagnostics({"f": text})
    return parse("f", text, report), [one.message for one in report.findings]


def value(text: str) -> Node:
    root, told = read(f"key: {text}\n")
    assert told == []
    assert root is not None
    assert root.entries is not None
    return root.entries["key"]


@pytest.mark.parametrize(
    ("text", "scalar"),
    [
        ("word", "word"), ("''", ""), ("", None), ("~", None), ("null", None), ("'null'", "null"), ("true", True),
        ("false", False), ("'true'", "true"), ("12", 12), ("-1_000", -1000), ("+3", 3), ("'12'", "12"), ("1.5", 1.5),
        ("-.5", -0.5), ("1e3", 1000.0), ("1_0.5", 10.5), ("1.5.2", "1.5.2"), ("'yes'", "yes"),
        ("yesterday", "yesterday"),
        ("123456789012345678", 123456789012345678), ('"1:30"', "1:30"), ("12:61", "12:61"),
        ("'" + "1" * 19 + "'", "1" * 19),
        ("x" * 19, "x" * 19),
    ],
)  # fmt: skip
def test_a_scalar_is_what_it_looks_like(text: str, scalar: object) -> None:
    found = value(text).scalar
    assert found == scalar
    assert type(found) is type(scalar)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yes", "`yes` could be a word or a truth value"),
        ("Off", "`Off` could be a word or a truth value"),
        ("True", "`True` could be a word or a truth value"),
        ("1:30", "`1:30` could be a time or a number"),
        ("1234567890123456789", "a number has at most 18 digits"),
        ("1.234567890123456789", "a number has at most 18 digits"),
        ("!odd x", "tags are not allowed in rulebooks"),
        ("&a x", "anchors and aliases are not allowed in rulebooks"),
        ("*a", "anchors and aliases are not allowed in rulebooks"),
    ],
)
def test_what_surprises_people_is_an_error(text: str, told: str) -> None:
    assert told in read(f"key: {text}\n")[1]


@pytest.mark.parametrize(("opened", "accepted"), [("[", True), ("{a: ", True), ("[" * 2, False)])
def test_a_document_is_forty_levels_deep(opened: str, accepted: bool) -> None:
    closed = "".join("]" if sign == "[" else "}" for sign in opened if sign in "[{")
    root, told = read("[" * (MAX_DEPTH - 1) + opened + closed + "]" * (MAX_DEPTH - 1))
    assert (root is not None) is accepted
    assert (told == []) is accepted


def test_levels_that_are_closed_do_not_count() -> None:
    assert read("[" + ", ".join(["[]"] * 50) + "]")[1] == []


@pytest.mark.parametrize(
    ("text", "span", "exact"),
    [
        ("word", Span("f", 0, 5, 4), True),
        ("'word'", Span("f", 0, 6, 4), True),
        ('"word"', Span("f", 0, 6, 4), True),
        ("''", Span("f", 0, 5, 2), True),
        ("'it''s'", Span("f", 0, 6, 5), False),
        (r'"a\tb"', Span("f", 0, 6, 4), False),
        ("", Span("f", 0, 4, 1), True),
        ("two\n  lines", Span("f", 0, 5, 1), False),
        ("'two\n  lines'", Span("f", 0, 5, 1), False),
    ],
)
def test_a_text_stands_where_it_is_written(text: str, span: Span, exact: bool) -> None:
    found = value(text)
    assert (found.span, found.exact) == (span, exact)


def test_blocks_are_texts_whatever_they_hold() -> None:
    assert value("|-\n  12").scalar == "12"
    assert value(">-\n  true").scalar == "true"


@pytest.mark.parametrize(
    ("text", "kind"), [("{a: 1}", "a mapping"), ("[1]", "a list"), ("", "nothing"), ("x", "`x`"), ("{}", "a mapping")]
)
def test_a_value_is_called_by_its_kind(text: str, kind: str) -> None:
    assert value(text).kind == kind


def test_a_key_is_there_once_and_has_a_name() -> None:
    root, told = read("a: 1\nb: 2\na: 3\n[x]: 4\n'': 5\n")
    assert told == ["`a` is here twice, first on line 1", "a key must be a name", "a key must be a name"]
    assert root is not None
    assert root.plain() == {"a": 1, "b": 2}
    assert root.keys["b"] == Span("f", 1, 0, 1)


@pytest.mark.parametrize(("text", "items"), [("[1, 2]", [1, 2]), ("5", [5]), ("[]", [])])
def test_one_value_stands_for_a_list_of_one(text: str, items: list[int]) -> None:
    assert [item.plain() for item in value(text).walk()] == items


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {where: status in [1, 2], by: b}", "between { and }"),
        ("a: [x in [1, 2] and y, b]", "between [ and ]"),
        ('a:\n  - "x" in text', "in single quotes as a whole"),
        ('a: "x" in text\nb: 1', "begins with a quote goes on"),
        ("a: @b", "begin a text with this sign in quotes"),
        ("a: b: c", "put a text with a colon"),
    ],
)
def test_what_yaml_stumbles_over_is_told_in_other_words(text: str, hint: str) -> None:
    report = Diagnostics({})
    assert parse("r.yaml", text, report) is None
    assert hint in (report.errors[0].hint or "")


def test_what_is_no_yaml_is_told_where_it_stops() -> None:
    report = Diagnostics({})
    assert parse("f", "a: 1\nb: c: d\n", report) is None
    [error] = report.errors
    assert (error.span.line, error.span.column) == (1, 4)
    assert error.hint == "put a text with a colon in single quotes: '…'"
    assert read("{")[1][0].startswith("this is not valid YAML")
    assert read("\x00")[1][0].startswith("this is not valid YAML")
    assert read("# nothing\n") == (None, [])
