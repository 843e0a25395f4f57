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


@pytest.mark.parametrize(
    ("entries", "text", "expected"),
    [
        ({"ass"}, "a class", False), ({"ass"}, "you ass!", True), ({"ass"}, "ass", True),
        ({"ass"}, "big_ass_fan", True),
        ({"free money"}, "get free money.", True), ({"free money"}, "free moneys", False), ({"#tag"}, "a#tag b", True),
        ({"#tag"}, "a #tags", False), ({"c++"}, "c++!", True),
        ({"cafe"}, "cafe\u0301", False), ({"$$$"}, "x$$$x", True),
        ({"ass"}, "cl\x00ass", True),
        ({"казино"}, "в казино!", True), ({"казино"}, "казинойды", False), ({""}, "", False),
    ],
)  # fmt: skip
def test_a_word_is_found_by_itself(entries: set[str], text: str, expected: bool) -> None:
    assert Phrases(entries, are_words=True).are_in(text) is expected


def test_words_are_found_where_a_plain_search_finds_them() -> None:
    rng = random.Random(8)
    for _ in range(2_000):
        entries = {"".join(rng.choices("ab #", k=rng.randint(1, 4))) for _ in range(rng.randint(0, 4))}
        text = "".join(rng.choices("ab #", k=rng.randint(0, 14)))
        assert Phrases(entries, are_words=True).are_in(text) == any(_stands_alone(one, text) for one in entries)


def _stands_alone(entry: str, text: str) -> bool:
    """Whether an entry is somewhere in a text without a letter before or behind it that goes on with it."""
    for start in range(len(text) - len(entry) + 1):
        end = start + len(entry)
        if text[start:end] == entry:
            before = start > 0 and text[start - 1] in "ab" and entry[0] in "ab"
            behind = end < len(text) and text[end] in "ab" and entry[-1] in "ab"
            if not before and not behind:
                return True
    return False


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
