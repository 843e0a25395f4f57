import math

import pytest

from engine.core.series.counts import add_count, doubt_count, new_counts
from engine.core.series.entity_series import add_amount
from engine.core.series.statistics import Sample, amounts_within, gaps_within, measure
from engine.core.series.windows import SeriesByKey
from engine.core.values.bounds import AtLeast

KEY, OVER_MS, KEEP_MS = 7, 100, 1_000


def amounts(*entries: tuple[int, float], cap: int = 10) -> SeriesByKey:
    series: SeriesByKey = {}
    for time, amount in entries:
        add_amount(series, KEY, time, amount, cap, KEEP_MS)
    return series


def whole(*values: float) -> Sample:
    return Sample(values, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("max", 9.0), ("min", 1.0), ("mean", 4.0), ("stdev", math.sqrt(38 / 3)), ("median", 3.0)],
)
def test_statistics_of_a_whole_sample(kind: str, expected: float) -> None:
    assert measure(kind, whole(1.0, 4.0, 9.0, 2.0), 0, 0.5) == pytest.approx(expected)


@pytest.mark.parametrize(("at", "expected"), [(0.5, 20.0), (0.9, 36.0), (0.25, 10.0), (0.01, 0.4)])
def test_a_quantile_lies_between_two_values_in_proportion(at: float, expected: float) -> None:
    assert measure("quantile", whole(40.0, 0.0, 10.0, 20.0, 30.0), 0, at) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["max", "min", "mean", "median", "quantile"])
def test_equal_values_are_their_own_statistic(kind: str) -> None:
    assert measure(kind, whole(*[0.1] * 3), 0, 0.9) == 0.1
    assert measure("stdev", whole(*[0.1] * 3), 0, 0.9) == 0.0


@pytest.mark.parametrize("kind", ["max", "min", "mean", "stdev", "median", "quantile"])
def test_a_statistic_of_nothing_is_unknown(kind: str) -> None:
    assert measure(kind, None, 0, 0.5) is None
    assert measure(kind, whole(), 0, 0.5) is None
    assert measure(kind, whole(1.0, 2.0), 3, 0.5) is None
    assert measure(kind, whole(1.0, 2.0), 2, 0.5) is not None


def test_one_value_does_not_vary() -> None:
    assert measure("stdev", whole(1.0), 0, 0.5) is None


@pytest.mark.parametrize("kind", ["min", "mean", "stdev", "median", "quantile"])
def test_of_a_part_a_statistic_is_that_of_what_is_there(kind: str) -> None:
    part = (3.0, 5.0)
    assert measure(kind, Sample(part, False), 0, 0.5) == measure(kind, whole(*part), 0, 0.5) is not None
    assert measure(kind, Sample(part, False), 3, 0.5) is None
    assert measure(kind, Sample(part, False, is_late=True), 0, 0.5) is None


def test_of_a_part_the_maximum_is_a_lower_bound() -> None:
    assert measure("max", Sample((3.0, 5.0), False), 0, 0.5) == AtLeast(5.0)
    assert measure("max", Sample((3.0, 5.0), False, is_late=True), 0, 0.5) == AtLeast(5.0)
    assert measure("max", Sample((), False), 0, 0.5) is None


def test_amounts_of_a_window_leave_out_its_beginning_and_what_comes_later() -> None:
    series = amounts((100, 1.0), (101, 2.0), (200, 3.0), (201, 4.0))
    assert amounts_within(series, KEY, 200, OVER_MS) == ([2.0, 3.0], True, False)


def test_what_came_late_is_where_it_belongs() -> None:
    series = amounts((150, 1.0), (200, 2.0), (160, 3.0))
    assert amounts_within(series, KEY, 180, OVER_MS) == ([1.0, 3.0], True, False)


def test_an_amount_that_cannot_be_read_makes_its_windows_parts() -> None:
    series = amounts((150, 1.0), (160, math.nan), (300, 2.0))
    assert amounts_within(series, KEY, 200, OVER_MS) == ([1.0], False, False)
    assert amounts_within(series, KEY, 300, OVER_MS) == ([2.0], True, False)


def test_merged_amounts_are_no_values() -> None:
    series = amounts((150, 1.0), (160, 2.0), (170, 3.0), (180, 4.0), cap=3)
    assert amounts_within(series, KEY, 180, OVER_MS) == ([3.0, 4.0], False, False)
    assert amounts_within(series, KEY, 180, 20) == ([3.0, 4.0], True, False)


def test_amounts_behind_the_retention_are_gone_whether_or_not_they_are_dropped() -> None:
    series = amounts(*((2_000 + at, 1.0) for at in range(5)))
    add_amount(series, KEY, 1_003, 9.0, 10, KEEP_MS)
    assert amounts_within(series, KEY, 1_003, OVER_MS) == ([9.0], False, True)
    assert amounts_within(series, KEY, 1_150, OVER_MS) == ([], True, False)


def test_without_series_nothing_is_known_and_without_events_there_is_nothing() -> None:
    assert amounts_within(None, KEY, 200, OVER_MS) is None
    assert gaps_within(None, KEY, 200, OVER_MS) is None
    assert amounts_within({}, KEY, 200, OVER_MS) == ((), True, False)
    assert gaps_within(new_counts(), KEY, 200, OVER_MS) == ((), True, False)


def test_gaps_are_between_the_events_of_a_window() -> None:
    words = new_counts()
    for time in (100, 110, 200, 150, 150, 205):
        add_count(words, KEY, time, 10, KEEP_MS)
    assert gaps_within(words, KEY, 200, OVER_MS) == ([40, 0, 50], True, False)
    assert gaps_within(words, KEY, 200, 40) == ([], True, False)


def test_gaps_are_those_of_what_was_not_given_up() -> None:
    words = new_counts()
    for time in (150, 160, 180, 200):
        add_count(words, KEY, time, 3, KEEP_MS)
    assert gaps_within(words, KEY, 200, OVER_MS) == ([20, 20], False, False)
    doubt_count(words, KEY, 170, KEEP_MS)
    assert gaps_within(words, KEY, 200, OVER_MS) == ([20, 20], False, False)
    assert gaps_within(words, KEY, 200, 30) == ([20], True, False)


def test_gaps_of_an_event_that_comes_later_than_all_that_is_kept_are_no_whole() -> None:
    words = new_counts()
    for time in (*(2_000 + at for at in range(5)), 1_003):
        add_count(words, KEY, time, 10, KEEP_MS)
    assert gaps_within(words, KEY, 1_003, OVER_MS) == ([], False, True)
