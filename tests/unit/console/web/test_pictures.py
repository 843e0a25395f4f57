"""What was found in pictures, on pages: as text, whatever anybody has written there."""

import re
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Any
from zlib import compress

import pytest
from PIL import Image

from engine.console.store.database import Store
from engine.console.web.pictures import InPictures, in_pictures, without_bytes
from tests.console import add_decision, add_event, sign_in
from tests.unit.console.web.pages.test_decisions import EVIL

FOUND = {
    "images": [{"format": "JPEG", "width": 240, "height": 180}], "hashes": ["0f" * 32], "score": {"nsfw": 0.93},
    "codes": ["https://trap.example/x"], "text": "win money", "unread": ["timeout"],
}  # fmt: skip
BYTES = "iVBORw0KGgo" * 900


def page_of(store: Store, **fields: Any) -> str:
    add_event(store, 1, **fields)
    add_decision(store, 1)
    text: str = sign_in(store, "administrator").get("/decisions/1").text
    return text


def test_a_decisions_page_tells_what_its_pictures_are_and_say(store: Store) -> None:
    page = page_of(store, media=FOUND, image=BYTES, enriched={"missing": {"faces": "busy"}})
    for shown in ("JPEG, 240 by 180", "0f" * 32, "0.930", "timeout", "faces: busy", f"({len(BYTES)} characters)"):
        assert shown in page
    blurred = page[page.index('id="picture-text"') :]
    blurred = blurred[: blurred.index("</div>")]
    assert "https://trap.example/x" in blurred
    assert "win money" in blurred
    assert page.count("trap.example") == 1
    assert BYTES[:1_100] not in page


def test_nothing_is_fetched_and_nothing_is_decoded(store: Store) -> None:
    address, data = "https://img.example/a.png", f"data:image/png;base64,{BYTES}"
    page = page_of(store, media={**FOUND, "codes": [address]}, image=data, image_url=address)
    assert "<img" not in page
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:data:|https://img)""", page)


def small(width: int = 2, height: int = 1, pixels: bytes = b"\xff\0\0\0\0\xff") -> dict[str, Any]:
    return {"width": width, "height": height, "rgb": b64encode(compress(pixels)).decode()}


def test_small_pictures_are_files_that_are_made_here(store: Store) -> None:
    page = page_of(store, media={**FOUND, "previews": [small()]})
    shown = page[page.index('id="picture-previews"') :]
    (source,) = re.findall(r'<img src="data:image/png;base64,([^"]+)" width="240" height="120"', shown)
    with Image.open(BytesIO(b64decode(source))) as made:
        assert [made.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    ("score", "blur_from", "is_blurred"),
    [({"nsfw": 0.2}, 0.0, True), ({"nsfw": 0.2}, 0.5, False), ({"nsfw": 0.5}, 0.5, True), ({}, 0.5, True)],
)
def test_they_are_blurred_by_their_scores(score: dict[str, float], blur_from: float, is_blurred: bool) -> None:
    found = in_pictures({"media": {"score": score, "previews": [small()]}}, blur_from)
    assert found is not None
    assert (found.is_blurred, len(found.previews)) == (is_blurred, 1)


def test_they_are_shown_blurred_as_the_settings_say(store: Store) -> None:
    media = {**FOUND, "previews": [small()]}
    assert 'class="blurred" id="picture-previews"' in page_of(store, media=media)
    page = sign_in(store, "administrator", blur_pictures_from=0.95).get("/decisions/1").text
    assert '<div id="picture-previews">' in page


@pytest.mark.parametrize(
    "previews",
    [
        EVIL, [EVIL], [{}], [small(0)], [small(65, 1)], [small(3)], [small(1)], [{**small(), "rgb": "AAAA"}],
        [{**small(), "rgb": EVIL}], [{**small(), "width": EVIL}], [{**small(), "height": True}],
        [small(64, 64, bytes(1 << 24))],
    ],
)  # fmt: skip
def test_what_is_no_small_picture_is_not_shown(previews: Any) -> None:
    assert in_pictures({"media": {"previews": previews}}) is None


@pytest.mark.parametrize(
    "media",
    [
        EVIL, 5, [EVIL], {}, dict.fromkeys(FOUND, EVIL), {name: [EVIL] for name in FOUND}, {"score": {EVIL: 0.5}},
        {name: {EVIL: EVIL} for name in FOUND}, {"images": [EVIL, None, {"format": EVIL, "width": [EVIL]}]},
        {"score": {"a": True, "b": 7, "c": "x", "d": None}}, {"codes": [[EVIL]], "text": EVIL * 1_000},
    ],
)  # fmt: skip
def test_what_a_sender_writes_there_is_text(store: Store, media: Any) -> None:
    page = page_of(store, media=media, enriched={"missing": {EVIL: EVIL}})
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page


def test_of_much_the_first_is_shown() -> None:
    much = [f"{number}" * 9_000 for number in range(99)]
    found = in_pictures({"media": dict.fromkeys(("codes", "hashes", "unread"), much)})
    assert found is not None
    assert max(len(part) for part in found[:-1]) <= 16
    assert all(len(text) <= 2_000 for text in (*found.said, *found.hashes, *found.unread))
    assert in_pictures(None) is in_pictures({"media": {}}) is in_pictures({}) is None
    assert in_pictures({"media": {"text": "x"}}) == InPictures([], [], [], ["x"], [], [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b " * 500, "a b " * 500), ("A" * 1_000, "A" * 1_000), (5, 5),
        ("A" * 1_001, "A" * 1_000 + "… (1001 characters)"),
        ([{"bytes": "ж" * 3_000}], [{"bytes": "ж" * 1_000 + "… (3000 characters)"}]),
    ],
)  # fmt: skip
def test_of_a_file_the_beginning_is_shown_and_how_long_it_is(value: Any, shown: Any) -> None:
    assert without_bytes(value) == shown
