"""The enricher `ocr`, in confined processes."""

from typing import Any

import pytest

pytest.importorskip("rapidocr", reason="NOT TESTED: the extra `ocr` is not installed")

from engine.enrich.pictures.ocr import Ocr
from engine.testing import EnricherTests
from tests.unit.enrich.pictures.made import encoded, picture, text_of, written


def test_texts_of_all_pictures_and_why_one_says_nothing() -> None:
    kit = EnricherTests()
    kit.kind, kit.options = Ocr, {"max_chars": 30}  # type: ignore[misc]
    first, second = (text_of(encoded(written(text))) for text in ("buy followers", "at evil.example"))
    assert kit.enrich(
        [
            {"pictures": [first, second, first]}, {"picture": text_of(encoded(picture(1)))}, {"picture": "AAAA"},
            {"pictures": [first, "http://127.0.0.1/x"]},
            {"picture": text_of(encoded(written("buy followers and likes", "tomorrow")))},
        ]
    ) == [
        ({"text": "buy followers\nat evil.example"}, None), (None, None), (None, "no_picture"),
        ({"text": "buy followers", "unread": ["host_not_allowed"]}, None),
        ({"text": "buy followers and likes\ntomorr", "unread": ["too_much_text"]}, None),
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{"side": 1}, {"least_confidence": 2}, {"max_chars": 0}, {"odd": 1}])
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"side|confidence|chars|odd"):
        Ocr(options)
