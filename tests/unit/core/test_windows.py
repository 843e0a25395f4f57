"""Series that add up, as the rest of a record needs them. Their answers are in `tests/property/test_windows.py`."""

from engine.core.bounds import AtLeast
from engine.core.windows import SumSeries


def series_of(*entries: tuple[int, float], retention_ms: int = 10_000) -> SumSeries:
    series = SumSeries(retention_ms)
    for time, amount in entries:
        series.add_amount(time, amount, 10)
    return series


def test_later_times_are_told_up_to_a_limit() -> None:
    series = series_of((100, 1.0), (200, 2.0), (300, 3.0))
    assert series.after(100, 300) == [200, 300]
    assert series.after(99, 299) == [100, 200]
    assert series.after(300, 900) == series_of().after(0, 900) == []


def test_amounts_stay_with_their_times_when_the_base_moves() -> None:
    series = series_of((99, 1.0), (100, 2.0), (150, 4.0))
    series.floor = 130
    series.shift(100)
    assert (series.times, list(series.amounts), series.floor) == ([0, 50], [2.0, 4.0], 30)
    assert series.total(50, 50) == AtLeast(4.0)  # it begins before the floor
    assert series.total(50, 51) == 6.0
