"""Text in pictures, read in this process: what is read, and how little somebody can do about it."""

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rapidocr", reason="NOT TESTED: the extra `ocr` is not installed")

from PIL import ImageFilter
from PIL.Image import Transpose

from engine.enrich.answers import Missing
from engine.enrich.pictures.lines import reads
from tests.unit.enrich.pictures.made import encoded, picture, written

GIVEN = {
    "max_pixels": 1_000_000, "max_frames": 2, "side": 736, "max_lines": 8, "max_chars": 400, "least_confidence": 0.5,
    "recognizer": "", "read_s": 60.0,
}  # fmt: skip
Read = Callable[[bytes], Any]


@pytest.fixture(scope="module")
def read() -> Read:
    parts = reads(GIVEN)

    def last(data: bytes) -> Any:
        found = [*parts(data)][-1]
        assert found.pop("unread") == []
        return found

    return last


def test_lines_in_their_order_whatever_the_colours(read: Read) -> None:
    page = written("free coins today", "evil-coins.example/win", ink="yellow", paper="navy")
    found = read(encoded(page.filter(ImageFilter.GaussianBlur(0.6)), "JPEG", quality=50))
    assert found == {"lines": ["free coins today", "evil-coins.example/win"], "is_whole": True}


@pytest.mark.parametrize("turns", [90, 180])
def test_turned_text_is_read(read: Read, turns: int) -> None:
    assert read(encoded(written("call me now").rotate(turns, expand=True)))["lines"] == ["call me now"]


@pytest.mark.parametrize("way", ["FLIP_LEFT_RIGHT", "FLIP_TOP_BOTTOM"])
def test_mirrored_text_is_read(read: Read, way: str) -> None:
    page = written("double your savings")
    assert read(encoded(page.transpose(getattr(Transpose, way))))["lines"] == ["double your savings"]


def test_light_letters_on_nothing_are_read_as_dark_pages_show_them(read: Read) -> None:
    letters = written("double your savings", ink="white", paper="black")
    page = letters.copy()
    page.putalpha(letters.convert("L"))
    page.paste("white", (0, 0, *page.size), page.getchannel("A"))
    assert read(encoded(page))["lines"] == ["double your savings"]


def test_all_frames_are_read_as_far_as_is_allowed(read: Read) -> None:
    frames = [written(f"number {word}") for word in ("one", "two", "three")]
    found = read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    first, other = found["lines"]
    assert (first, other in ("number two", "number three")) == ("number one", True)


def test_what_has_been_read_is_told_after_each_line() -> None:
    frames = [written("one", "two"), written("three")]
    parts = [*reads(GIVEN)(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))]
    assert [(len(part["lines"]), part["is_whole"]) for part in parts[:2]] == [(1, False), (2, False)]
    assert (parts[-1]["lines"][:2], parts[-1]["is_whole"]) == (["one", "two"], True)


@pytest.mark.parametrize("size", [(1, 1), (900, 2), (2, 900), (300, 200)])
def test_a_picture_without_text_has_none(read: Read, size: tuple[int, int]) -> None:
    assert read(encoded(picture(1, *size))) == {"lines": [], "is_whole": True}


def test_much_text_is_read_as_far_as_it_goes(read: Read) -> None:
    found = read(encoded(written(*(f"line {n}" for n in range(9)), size=20, width=200)))
    assert (len(found["lines"]), found["is_whole"]) == (8, False)


def test_text_is_read_for_as_long_as_there_is_time_the_largest_first(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GIVEN, "read_s", 0.0)
    page = written("", "", "", "", "small words", size=20)
    page.paste(written("THE LARGE ONE", size=50), (0, 0))
    assert read(encoded(page)) == {"lines": ["THE LARGE ONE"], "is_whole": False}


def test_what_is_no_picture_says_why(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Missing, match="no_picture"):
        read(b"GIF89a?")
    monkeypatch.setitem(GIVEN, "max_pixels", 1_000)
    with pytest.raises(Missing, match="too_many_pixels"):
        read(encoded(picture(1, 101, 10)))
