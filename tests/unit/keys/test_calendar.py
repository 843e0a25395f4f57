"""Hours and days where something happens."""

import pytest

from engine.keys.calendar import MAX_MS, date, hour, time_ms, weekday, zone_names

MIDNIGHT_MS = 1_790_812_800_000
"""2026-10-01, a Thursday, 00:00 UTC."""


def test_an_hour_is_that_of_its_zone() -> None:
    assert hour(MIDNIGHT_MS) == 0
    assert hour(MIDNIGHT_MS - 1) == 23
    assert hour(MIDNIGHT_MS, "Europe/Berlin") == 2
    assert hour(MIDNIGHT_MS + 92 * 86_400_000, "Europe/Berlin") == 1  # in winter
    assert hour(MIDNIGHT_MS, "Asia/Kolkata") == 5


def test_a_week_begins_on_monday() -> None:
    assert weekday(MIDNIGHT_MS) == 4
    assert weekday(MIDNIGHT_MS, "America/New_York") == 3
    assert [weekday(MIDNIGHT_MS + day * 86_400_000) for day in range(7)] == [4, 5, 6, 7, 1, 2, 3]


@pytest.mark.parametrize("zone", ["", "Mars/Base", "europe/berlin", "../../etc/passwd", "x" * 64_000])
def test_where_there_is_no_such_zone_nothing_is_known(zone: str) -> None:
    assert hour(MIDNIGHT_MS, zone) is None
    assert weekday(MIDNIGHT_MS, zone) is None


@pytest.mark.parametrize("ts_ms", [-1, MAX_MS, 1e300, float("nan"), float("inf")])
def test_nor_of_what_is_no_time(ts_ms: float) -> None:
    assert hour(ts_ms) is None


def test_the_zones_are_known() -> None:
    assert {"UTC", "Europe/Berlin"} <= zone_names()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01", MIDNIGHT_MS), ("2026-10-01T00:00:00Z", MIDNIGHT_MS), ("2026-10-01 00:00", MIDNIGHT_MS),
        ("2026-10-01T02:00:00+02:00", MIDNIGHT_MS), ("2026-09-30T19:00:00.250-0500", MIDNIGHT_MS + 250),
        ("1969-12-31T23:59:59Z", -1_000), ("2026-13-01", None), ("2026-10-01T25:00", None), ("20261001", None),
        ("1790812800", None), ("2026-10-01T00:00:00 UTC", None), ("", None),
        ("٢٠٢٦-10-01", None), ("2026-10-01" + " " * 50_000, None),
    ],
)  # fmt: skip
def test_a_time_is_read_as_it_is_written(text: str, expected: int | None) -> None:
    assert time_ms(text) == expected


def test_a_day_is_that_of_its_zone() -> None:
    assert date(MIDNIGHT_MS) == "2026-10-01"
    assert date(MIDNIGHT_MS, "America/New_York") == "2026-09-30"
    assert date(MAX_MS) is None
    assert date(MIDNIGHT_MS, "Mars") is None
