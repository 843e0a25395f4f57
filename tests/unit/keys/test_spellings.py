"""Words spelled to hide them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.keys.spellings import in_letters, joined, pattern_in_letters, without_money


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("f r e e", "free"), ("f.r.e.e", "free"), ("so f - r - e - e now", "so free now"),
        ("f.r-e_e m*o~n", "free mon"),
        ("a b test", "a b test"), ("1.2.3", "1.2.3"), ("1 2 3", "123"), ("v.1.2", "v12"), ("a...b...c", "abc"),
        ("\u044f.\u044f.\u044f", "\u044f\u044f\u044f"), ("it is a b", "it is a b"),
    ],
)  # fmt: skip
def test_letters_are_joined(text: str, read: str) -> None:
    assert joined(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("v1agra p0rn", "viagra porn"), ("fr33", "free"), ("c4s1n0", "casino"), ("a$$", "a$$"), ("ca$h", "cash"),
        ("mp3 h264 b2b x1000y 4th route66", "mp3 h264 b2b x1000y 4th route66"), ("p@ypal", "paypal"),
        ("a@b.com @anna", "a@b.com @anna"), ("\\d3x", "\\d3x"),
    ],
)  # fmt: skip
def test_digits_within_words_are_letters(text: str, read: str) -> None:
    assert in_letters(text) == read


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("(?i)\\bv1agra\\b|p0rn", "(?i)\\bviagra\\b|porn"), ("mp3|[a-z0-9]{2}b\\d3x", "mp3|[a-z0-9]{2}b\\d3x"),
        ("p@ypal|me@mail\\.com$", "paypal|me@mail\\.com$"), ("(?P<a1b>x)\\x41b", "(?P<a1b>x)\\x41b"),
    ],
)  # fmt: skip
def test_patterns_spell_as_texts_do(pattern: str, read: str) -> None:
    assert pattern_in_letters(pattern) == read


def test_signs_of_money_within_words_are_letters() -> None:
    assert without_money("fr\u20ac\u20ac \u20acuro 5\u20ac \u20ac5 \u20ac") == "free euro 5\u20ac \u20ac5 \u20ac"


@given(st.text(alphabet="a1$@. \t-_\u20ac\u00e9"))
def test_nothing_grows_or_raises(text: str) -> None:
    assert len(joined(text)) <= len(text)
    assert len(in_letters(without_money(text))) == len(text)
