"""What pages make of values: for readers, whoever has chosen them."""

import pytest

from engine.console.web.templates import day_text, lasting_text, plain_text, time_element


@pytest.mark.parametrize(
    ("ms", "told"), [(155_000, "2m 35s"), (0, "0 ms"), (999, "999 ms"), (90_061_000, "1d 1h 1m 1s"), (60_000, "1m")]
)
def test_how_long_something_takes_is_told_in_whole_parts(ms: int, told: str) -> None:
    assert lasting_text(ms) == told


def test_a_day_is_the_same_everywhere_and_a_time_is_the_readers() -> None:
    assert day_text(1_790_000_000_000) == "2026-09-21"
    assert str(time_element(1_790_000_000_000)) == (
        '<time datetime="2026-09-21T14:13:20.000+00:00" data-local>2026-09-21 14:13:20 UTC</time>'
    )
    assert str(time_element(None)) == "-"


def test_what_is_no_text_stands_as_in_json() -> None:
    assert plain_text({"verified": False, "name": "é\u202e"}) == '{"verified": false, "name": "é\\u202e"}'
    assert (plain_text([1, None]), plain_text(True)) == ("[1, null]", "true")
    assert (plain_text(5), plain_text("[]")) == ("5", "[]")
