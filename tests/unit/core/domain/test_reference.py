"""Rows of reference data: which values they may have, and which keys find them."""

from typing import Any

import pytest

from engine.core.domain.reference import MAX_ITEMS, MAX_VALUE_CHARS, key_of, reference_path, row_of

DOCUMENT = {"a": {"b": [{"c": 1}, "x"]}, "plan": "free", "dotted.name": True, "long": "x" * 2_000, "many": [1] * 200}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("plan", "free"), ("a.b.0.c", 1), ("a.b.1", "x"), ("a.b.7", None), ("a.b.c", None), ("a.b", ["x"]),
        ("a", None), ("dotted.name", True), ("nothing", None),
        ("long", "x" * MAX_VALUE_CHARS), ("many", [1] * MAX_ITEMS),
    ],
)  # fmt: skip
def test_a_column_is_a_plain_value_of_bounded_length(path: str, value: Any) -> None:
    assert row_of(DOCUMENT, [path]) == (value,)


def test_numbers_that_cannot_travel_are_left_out() -> None:
    assert row_of({"a": 1 << 70, "b": -(1 << 70), "c": 1.5}, "abc") == (None, None, 1.5)


@pytest.mark.parametrize(
    ("value", "key"),
    [("ann", "ann"), ("", None), (7, "7"), (7.0, "7"), (7.5, None), (True, None), (None, None), (["x"], None)],
)
def test_a_key_is_a_text_or_a_whole_number(value: Any, key: str | None) -> None:
    assert key_of(value) == key


def test_two_names_never_share_a_path_and_none_can_be_written() -> None:
    paths = {reference_path(name) for name in ("country", "profile.country", "profile_country")}
    assert len(paths) == 3
    assert all(" " in path and "." not in path for path in paths)
