"""Times and amounts as people read them."""

import pytest

from engine.core.units import time_text


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
