"""The enricher `pictures`, under the kit and on its own."""

import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

import numpy as np

from engine.enrich.pictures.enricher import Pictures
from engine.enrich.pictures.pdq import frequencies, hash_of
from engine.testing import EnricherTests
from tests.unit.enrich.pictures.made import encoded, picture, text_of
from tests.unit.enrich.pictures.test_looking import qr

BYTES = text_of(encoded(picture(0)))
HASH = hash_of(frequencies(np.asarray(picture(0)))[0]).hex()
IMAGE = {"format": "PNG", "width": 320, "height": 240}
ONE = {"images": [IMAGE], "hashes": [HASH]}


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
            "hashes": [hash_of(frequencies(np.asarray(qr("evil.example/win").resize((512, 384), 4)))[0]).hex()],
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
