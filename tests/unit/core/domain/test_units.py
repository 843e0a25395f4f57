"""Times and amounts as people read them."""

import pytest

from engine.core.domain.units import moment_ms, moment_text, number_text, time_text


@pytest.mark.parametrize(
    ("ts_ms", "told"),
    [
        (1_772_434_801_000, "2026-03-02 07:00:01"), (0, "1970-01-01 00:00:00"), (10**18, "9999-12-31 23:59:59"),
        (10**400, "9999-12-31 23:59:59"),
    ],
)  # fmt: skip
def test_any_time_is_told(ts_ms: int, told: str) -> None:
    assert time_text(ts_ms) == told


def test_times_before_our_calendar_are_its_beginning() -> None:
    assert time_text(-(10**18)) == time_text(-(10**400)) == time_text(-62_135_596_800_000)


@pytest.mark.parametrize(
    ("ts_ms", "told"),
    [(1_772_434_801_250, "2026-03-02T07:00:01.250Z"), (0, "1970-01-01T00:00:00.000Z"), (1e18, "1000000000000000000")],
)
def test_a_moment_is_told_to_the_millisecond(ts_ms: float, told: str) -> None:
    assert moment_text(ts_ms) == told
    assert moment_ms(told) == (ts_ms if told.endswith("Z") else None)
    assert moment_text(None) is None


@pytest.mark.parametrize(
    ("number", "unit", "told"),
    [
        (1.728e10, "duration", "200d"),
        (90_000.0, "duration", "1.5m"),
        (10_000.0, "size", "10KB"),
        (1.728e10, "", "17,280,000,000"),
        (12_345.0, "", "12,345"),
        (0.5, "", "0.5"),
        (3.0, "", "3"),
        (1e18, "", "1e+18"),
    ],
)
def test_numbers_are_told_as_people_write_them(number: float, unit: str, told: str) -> None:
    assert number_text(number, unit) == told
