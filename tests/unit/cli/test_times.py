"""Durations and times as options take them."""

import click
import pytest

from engine.cli.times import DURATION, MOMENT, Moment

TEN_MS = 1_795_773_600_000
"""The 27th of November 2026, ten o'clock UTC."""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", Moment(7_200_000, None)),
        (" 90s ", Moment(90_000, None)),
        ("2026-11-27T10:00", Moment(None, TEN_MS)),
        ("2026-11-27 10:00", Moment(None, TEN_MS)),
        ("2026-11-27T11:00+01:00", Moment(None, TEN_MS)),
        (str(TEN_MS), Moment(None, TEN_MS)),
    ],
)
def test_a_moment_is_a_duration_ago_or_a_time(text: str, moment: Moment) -> None:
    assert MOMENT.convert(text, None, None) == moment
    assert MOMENT.convert(moment, None, None) is moment


@pytest.mark.parametrize("text", ["soon", "", "2", "-2h", "2026-13-01", "1795773600", "²", "9" * 30, "2 hours"])
def test_what_is_neither_is_told_with_examples(text: str) -> None:
    with pytest.raises(click.BadParameter, match="neither a duration, such as 90s, 2h or 7d, nor a time, such as 2026"):
        MOMENT.convert(text, None, None)


def test_a_duration_is_counted_back_from_what_is_the_newest() -> None:
    assert Moment(1_000, None).before(5_000) == 4_000
    assert Moment(9_000, None).before(5_000) == 0
    assert Moment(None, 7_000).before(5_000) == 7_000


def test_a_duration_is_one() -> None:
    assert DURATION.convert("1.5h", None, None) == DURATION.convert(5_400_000, None, None) == 5_400_000
    for text in ("ever", "", "5", "2026-11-27"):
        with pytest.raises(click.BadParameter, match="is not a duration, such as"):
            DURATION.convert(text, None, None)
