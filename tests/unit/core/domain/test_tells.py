"""What users are told: values in a text."""

from typing import Any

import pytest

from engine.core.domain.decisions import Quantity
from engine.core.domain.tells import MAX_VALUE_CHARS, Place, Tell, Told
from engine.core.values.bounds import AtLeast

TELL = Tell(("<", Place("x", "?"), ">"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "?"), (3, "3"), (12_345, "12,345"), (2 / 3, "0.6667"), (123_456.7, "123,457"), (True, "true"),
        (AtLeast(31), "at least 31"), (Quantity("3d"), "3d"), ("a\u202eb\r\nc", "a b c"), ("\u200b", "?"), ("", "?"),
        ("a\u3164b\U000e0041\u034fc", "a b c"), ("\u115f\u2800", "?"),
        ("x" * MAX_VALUE_CHARS, "x" * MAX_VALUE_CHARS), ("x" * 101, "x" * 99 + "…"), ("{x}", "{x}"), ([1], "?"),
    ],
)  # fmt: skip
def test_a_value_is_written_for_people(value: Any, shown: str) -> None:
    assert Told(TELL, {"x": value}).text() == f"<{shown}>"


def test_a_pseudonym_is_the_id_again() -> None:
    assert Told(TELL, {"x": "~q"}).text({"~q": "ann"}.get) == "<ann>"  # type: ignore[arg-type]  # it is there


def test_a_text_without_places_has_nothing_to_fill() -> None:
    assert [tell.is_filled for tell in (TELL, Tell(("a", "b")))] == [True, False]
