"""Many phrases in one text."""

import random

import pytest

from engine.core.values.lists import LiveList
from engine.keys.phrases import Phrases


@pytest.mark.parametrize(
    ("entries", "text", "expected"),
    [
        ({"curl"}, "a curl", True), ({"curl"}, "a Curl", False), ({"he", "she"}, "us", False),
        ({"abcd", "bc"}, "abc", True), ({"ab", "bcd"}, "abcd", True), (set(), "x", False), ({""}, "x", False),
        ({"x"}, "", False), ({"казино"}, "в казино!", True),
    ],
)  # fmt: skip
def test_a_phrase_is_found_anywhere(entries: set[str], text: str, expected: bool) -> None:
    assert Phrases(entries).are_in(text) is expected


def test_it_finds_what_asking_one_by_one_finds() -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        entries = {"".join(rng.choices("ab", k=rng.randint(1, 5))) for _ in range(rng.randint(0, 4))}
        text = "".join(rng.choices("abc", k=rng.randint(0, 14)))
        assert Phrases(entries).are_in(text) == any(entry in text for entry in entries)


def test_entries_are_folded_as_the_texts_are() -> None:
    assert Phrases({"CuRL"}, str.lower).are_in("a curl")


def test_a_list_that_changes_is_looked_at_anew() -> None:
    entries = LiveList(["curl"])
    phrases = Phrases(entries)
    assert not phrases.are_in("wget")
    entries.put("wget")
    assert phrases.are_in("wget")
    entries.drop("wget")
    assert not phrases.are_in("wget")
    entries.replace(["get"])
    assert phrases.are_in("wget")
    assert phrases.are_in("curl")
