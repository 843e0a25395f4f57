"""The enricher `pictures`, under the kit and on its own."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

import numpy as np

from engine.enrich.enricher import Missing, RawEvent, Surroundings
from engine.enrich.pictures.enricher import Pictures
from engine.enrich.pictures.views import hashes_of
from engine.testing import EnricherTests
from tests.unit.enrich.pictures.made import encoded, picture, text_of
from tests.unit.enrich.pictures.test_looking import qr

BYTES = text_of(encoded(picture(0)))
FOUND = hashes_of(np.asarray(picture(0)))
CODE = hashes_of(np.asarray(qr("evil.example/win").resize((512, 384), 4)))
IMAGE = {"format": "PNG", "width": 320, "height": 240}
ONE = {"images": [IMAGE], "hashes": list(FOUND.upright), "turned": FOUND.turned}
NO_CODES = {"codes": [], "has_more": False, "unread": [], "preview": None}


class TestPictures(EnricherTests):
    """What holds of each enricher, and what this one finds."""

    kind = Pictures
    events = (
        {"event_id": "1", "picture": BYTES},
        {"event_id": "2", "images": [{"bytes": BYTES}, {"url": "http://127.0.0.1/x"}]},
        {"event_id": "3", "image_url": "data:image/png;base64," + text_of(encoded(qr("evil.example/win")))},
    )
    finds = (
        ONE, {**ONE, "unread": ["host_not_allowed"]},
        {
            "images": [{**IMAGE, "width": 640, "height": 480}], "codes": ["evil.example/win"],
            "hashes": list(CODE.upright), "turned": CODE.turned,
        },
    )  # fmt: skip


def test_what_cannot_be_read_at_all_is_missing() -> None:
    kit = TestPictures()
    assert kit.enrich([{"picture": "AAAA"}, {"picture": "http://x.example/"}, {"picture": 7}, {}]) == [
        (None, "no_picture"), (None, "host_not_allowed"), (None, None), (None, None),
    ]  # fmt: skip


def test_no_more_than_so_many_are_looked_at() -> None:
    ((found, _),) = TestPictures().enrich([{"pictures": [BYTES] * 1_000}])
    assert (len(found["images"]), found["unread"]) == (4, ["too_many"])


def test_a_picture_that_takes_long_hides_none_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over when a host has been asked that does not answer, though it was asked first."""

    async def go() -> Any:
        async def hang(*_: Any) -> bytes:
            await asyncio.sleep(3_600)
            return b""

        monkeypatch.setattr("engine.enrich.pictures.http.WebPictures.fetch", hang)
        pictures = Pictures({})
        await pictures.start(Surroundings(turn_s=20.0))
        try:
            event = RawEvent({"images": ["http://slow.example/x", BYTES, "http://slow.example/y"]})
            looking = asyncio.create_task(pictures.enrich(event))
            while not pictures._seen._known:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            looking.cancel()
            return await looking
        finally:
            await pictures.stop()

    assert asyncio.run(go()) == {**ONE, "unread": ["timeout"]}


def test_what_was_found_before_codes_took_too_long_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_: Any, request: Any) -> Any:
        raise Missing("timeout", {**IMAGE, "hashes": FOUND.upright, "turned": [FOUND.turned], **NO_CODES})

    monkeypatch.setattr("engine.enrich.confinement.children.Children.ask", ask)
    assert TestPictures().enrich([{"image": BYTES}, {"image": BYTES}]) == 2 * [({**ONE, "unread": ["timeout"]}, None)]


def test_the_whole_of_each_picture_comes_before_parts_of_any() -> None:
    pictures = [picture(seed) for seed in range(3)]
    ((found, _),) = TestPictures().enrich([{"pictures": [text_of(encoded(one)) for one in pictures]}])
    wholes = [hashes_of(np.asarray(one)).turned[0] for one in pictures]
    assert found["turned"][:3] == wholes
    assert len(found["turned"]) == 6


def test_no_picture_pushes_another_out_of_what_is_looked_up() -> None:
    """Two that move, with a border, have as many hashes as a bank is asked about."""
    moving = [
        {**IMAGE, "hashes": {f"{name}{n}": 99 for n in range(8)}, "turned": [[f"{name}{n}", "x"] for n in range(4)]}
        for name in "ab"
    ]
    still = {**IMAGE, "hashes": {"still": 99}, "turned": [["still"]]}
    found = Pictures({}).put_together([{**one, **NO_CODES} for one in (*moving, still)])
    assert found["hashes"][:4] == found["turned"][:4] == ["a0", "b0", "still", "a1"]
    assert found["unread"] == ["too_many_hashes"]


def test_codes_that_say_very_much_hide_neither_pictures_nor_links() -> None:
    codes = [f"{n}" + "\x01" * 1_999 for n in range(7)]
    one = {**IMAGE, "hashes": FOUND.upright, "turned": [FOUND.turned], "codes": [*codes, "a.example"]}
    found = Pictures({}).put_together([{**one, "has_more": False, "preview": None}])
    assert found["codes"] == [codes[0], "a.example"]
    assert (found["hashes"], found["unread"]) == (ONE["hashes"], ["too_many_codes"])


def test_small_pictures_are_told_where_they_are_asked_for_as_far_as_there_is_room() -> None:
    one = {**IMAGE, **NO_CODES, "hashes": {}, "turned": []}
    seen = [{**one, "preview": {"width": 64, "height": 64, "rgb": "A" * 11_000}} for _ in range(4)]
    assert len(Pictures({"preview": 64}).put_together(seen)["previews"]) == 2
    assert "previews" not in Pictures({}).put_together([{**one, "preview": None}])


def test_bytes_go_no_further_and_addresses_do() -> None:
    fields = {"picture": BYTES, "images": [{"data": "QUJD", "alt": "QUJD", "url": "https://a.example/b"}]}
    Pictures({}).strip(fields)
    assert fields == {
        "picture": f"{len(BYTES)} characters",
        "images": [{"data": "4 characters", "alt": "QUJD", "url": "https://a.example/b"}],
    }


@pytest.mark.parametrize("options", [{"most": 0}, {"allow_networks": ["10.0.0.0/99"]}, {"odd": 1}])
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"most|10\.0|odd"):
        Pictures(options)
