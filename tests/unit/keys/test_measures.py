"""What is measured of a text, against slow and plain ways to measure it."""

import math
import random
import re

import pytest

from engine.core.values.bounds import AtLeast
from engine.keys.measures import MAX_COMPARED, MAX_MATCHES, counting, entropy, repeats, sharing, similarity


def test_matches_are_counted_side_by_side() -> None:
    assert counting("https?://")("http://a https://b") == 2
    assert counting("aa")("aaaaa") == 2
    assert counting("x")("") == 0
    assert counting("(?i)é")("É é") == 2


def test_of_very_many_matches_a_bound_is_known() -> None:
    assert counting("a")("a" * (MAX_MATCHES - 1)) == MAX_MATCHES - 1
    assert counting("a")("a" * MAX_MATCHES) == AtLeast(MAX_MATCHES)
    assert counting("a")("a" * 64_000) == AtLeast(MAX_MATCHES)


@pytest.mark.parametrize(
    ("kind", "among", "text", "expected"),
    [
        ("[A-Z]", None, "ABcd", 0.5), ("[A-Z]", None, "", 0.0), (r"\p{Lu}", None, "ÄЖa ", 0.5),
        (r"\p{Lu}", r"\p{L}", "ÄЖab  !!", 0.5), (r"\p{Lu}", r"\p{L}", "12", 0.0), ("[^a]", None, "a\nb😀", 0.75),
        ("(?i)[a]", None, "aAb", 2 / 3), ("[A-Za-z]", r"\p{Lu}", "ABab", 1.0), ("x", None, "\ud800x", 0.5),
    ],
)  # fmt: skip
def test_a_share_is_of_characters(kind: str, among: str | None, text: str, expected: float) -> None:
    assert sharing(kind, among)(text) == pytest.approx(expected)


def test_a_share_is_what_characters_one_by_one_make() -> None:
    rng = random.Random(3)
    for _ in range(300):
        text = "".join(chr(rng.choice((rng.randrange(32, 127), rng.randrange(0xA0, 0x500)))) for _ in range(20))
        assert sharing(r"\pL")(text) == sum(character.isalpha() and character.isalnum() for character in text) / 20 or (
            re.search(r"[\u0483-\u0489\u0300-\u036f]", text)
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("abc", 1), ("aab", 2), ("abbb\n\n\n\n", 4), ("😀😀", 2), ("a" * 64_000, 64_000)],
)
def test_the_longest_run_of_one_character(text: str, expected: int) -> None:
    assert repeats(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("aaaa", 0), ("abab", 1), ("abcd", 2)])
def test_entropy_is_bits_per_character(text: str, expected: float) -> None:
    assert entropy(text) == expected
    assert math.copysign(1, entropy(text)) == 1


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("", "", 1), ("a", "", 0), ("support", "supp0rt", 6 / 7), ("ab", "ba", 0), ("abc", "abc", 1), ("abc", "xyz", 0)],
)
def test_names_are_compared_letter_by_letter(left: str, right: str, expected: float) -> None:
    assert similarity(left, right) == pytest.approx(expected)


def edits(left: str, right: str) -> int:
    """Levenshtein's distance by its table."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def test_similarity_is_that_of_the_whole_table() -> None:
    rng = random.Random(11)
    for _ in range(2_000):
        left, right = ("".join(rng.choices("abc", k=rng.randint(0, 70))) for _ in range(2))
        first, second = left[:MAX_COMPARED], right[:MAX_COMPARED]
        expected = 1 - edits(first, second) / max(len(first), len(second), 1)
        assert similarity(left, right) == pytest.approx(expected)
        assert similarity(left, right) == similarity(right, left)
