"""Sliding windows equal a naive recount over everything that has arrived."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.series.windows import SumSeries
from engine.core.values.bounds import AtLeast
from tests.kernels import KERNELS, CountSeries, DistinctSeries

CASES = 1_000
WINDOW_MS = 1_000
RETENTION_MS = 2 * WINDOW_MS

AnySeries = CountSeries | DistinctSeries | SumSeries

# Times close together, so that equal times, late events and window edges are common.
steps = st.lists(st.tuples(st.integers(-900, 700), st.integers(0, 5)), min_size=1, max_size=60)


def arrivals(moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(time, value) in order of arrival; times wander forwards, some events are late."""
    newest, made = 5_000, []
    for step, value in moves:
        time = newest + step
        newest = max(newest, time)
        made.append((time, value))
    return made


def inside(seen: list[tuple[int, int]], now: int, over_ms: int) -> list[int]:
    """The values in (now - over, now], recounted from scratch."""
    return [value for time, value in seen if now - over_ms < time <= now]


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(KERNELS), steps, st.integers(1, WINDOW_MS))
def test_a_count_equals_the_recount_while_nothing_had_to_go(
    kernel: Any, moves: list[tuple[int, int]], over_ms: int
) -> None:
    series, seen = CountSeries(kernel, RETENTION_MS), []
    for time, value in arrivals(moves):
        seen.append((time, value))
        series.add(time, cap=1_000)
        assert series.count(time, over_ms) == len(inside(seen, time, over_ms))


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(KERNELS), steps, st.integers(1, WINDOW_MS))
def test_a_distinct_count_equals_the_recount_while_nothing_had_to_go(
    kernel: Any, moves: list[tuple[int, int]], over_ms: int
) -> None:
    series, seen = DistinctSeries(kernel, RETENTION_MS), []
    for time, value in arrivals(moves):
        seen.append((time, value))
        series.add_value(time, value, cap=1_000)
        assert series.distinct(time, over_ms) == len(set(inside(seen, time, over_ms)))


@settings(max_examples=CASES, deadline=None)
@given(steps, st.integers(1, WINDOW_MS))
def test_a_sum_equals_the_recount_while_nothing_had_to_go(moves: list[tuple[int, int]], over_ms: int) -> None:
    series, seen = SumSeries(RETENTION_MS), []
    for time, value in arrivals(moves):
        seen.append((time, value))
        series.add_amount(time, float(value), cap=1_000)
        assert series.total(time, over_ms) == sum(inside(seen, time, over_ms))


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(KERNELS), steps, st.integers(1, WINDOW_MS), st.integers(1, 8))
def test_a_full_count_is_exact_or_a_lower_bound(
    kernel: Any, moves: list[tuple[int, int]], over_ms: int, cap: int
) -> None:
    series, seen, newest = CountSeries(kernel, RETENTION_MS), [], 0
    for time, value in arrivals(moves):
        seen.append((time, value))
        series.add(time, cap)
        answer, truth = series.count(time, over_ms), len(inside(seen, time, over_ms))
        if isinstance(answer, AtLeast):
            assert answer.least <= truth
        else:
            assert answer in (None, truth)
        if time >= newest:  # in order: never unknown, and at least the cap when it is not exact
            assert answer == truth or answer == AtLeast(min(truth, cap))
        newest = max(newest, time)


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(KERNELS), steps, st.integers(1, WINDOW_MS), st.integers(1, 6))
def test_a_full_distinct_count_is_exact_or_a_lower_bound(
    kernel: Any, moves: list[tuple[int, int]], over_ms: int, cap: int
) -> None:
    series, seen = DistinctSeries(kernel, RETENTION_MS), []
    for time, value in arrivals(moves):
        seen.append((time, value))
        series.add_value(time, value, cap)
        answer, truth = series.distinct(time, over_ms), len(set(inside(seen, time, over_ms)))
        if isinstance(answer, AtLeast):
            assert answer.least <= truth
        else:
            assert answer in (None, truth)
        if _never_late(seen):  # repeating one value cannot push the others out
            assert answer == truth or answer == AtLeast(min(truth, cap))


def _never_late(seen: list[tuple[int, int]]) -> bool:
    times = [time for time, _ in seen]
    return times == sorted(times)


@settings(max_examples=CASES, deadline=None)
@given(
    st.sampled_from([partial(kind, kernel) for kind in (CountSeries, DistinctSeries) for kernel in KERNELS]),
    steps,
    st.integers(1, WINDOW_MS),
    st.integers(1, 8),
    st.lists(st.integers(-3_000, 0), min_size=1, max_size=8),
)
def test_more_events_never_make_a_certain_answer_unknown(
    kind: Callable[[int], Any], moves: list[tuple[int, int]], over_ms: int, cap: int, back: list[int]
) -> None:
    """Whoever adds matching events, whatever their times, within the window of a threshold that was exceeded for
    certain cannot take that away."""
    series, newest = kind(RETENTION_MS), 0
    for time, value in arrivals(moves):
        _enter(series, time, value, cap)
        newest = max(newest, time)
    threshold = 0
    before = _answer(series, newest, over_ms)
    for step, at in enumerate(back):
        if before is not None and before > threshold:
            _enter(series, newest + at, 100 + step, cap)
            after = _answer(series, newest, over_ms)
            assert after is not None
            assert after > threshold
            threshold = min(step, cap - 1) if after > min(step, cap - 1) else threshold
            before = after


@settings(max_examples=CASES, deadline=None)
@given(steps, st.integers(2, 6))
def test_a_full_sum_loses_no_amount_of_the_whole_window(moves: list[tuple[int, int]], cap: int) -> None:
    series, seen = SumSeries(10**6), []
    for time, value in sorted(arrivals(moves)):
        seen.append((time, value))
        series.add_amount(time, float(value), cap)
        everything = time + 1
        assert series.total(time, everything) == sum(inside(seen, time, everything))
        assert len(series.times) <= cap


@settings(max_examples=CASES, deadline=None)
@given(
    st.sampled_from(
        [partial(kind, kernel) for kind in (CountSeries, DistinctSeries) for kernel in KERNELS] + [SumSeries]
    ),
    steps,
    st.sets(st.integers(0, 59)),
    st.integers(2, 40),
)
def test_trimming_at_any_moment_changes_no_answer(
    kind: Callable[[int], AnySeries], moves: list[tuple[int, int]], trims: set[int], cap: int
) -> None:
    """Records are trimmed when they are saved: a batch's size must never show in an answer."""
    trimmed, whole = kind(RETENTION_MS), kind(RETENTION_MS)
    for index, (time, value) in enumerate(arrivals([(step * 3, value) for step, value in moves])):
        for series in (trimmed, whole):
            _enter(series, time, value, cap)
        if index in trims:
            trimmed.trim()
        for over_ms in (1, WINDOW_MS // 2, WINDOW_MS):
            assert _answer(trimmed, time, over_ms) == _answer(whole, time, over_ms)
    trimmed.trim()
    whole.trim()
    assert _contents(trimmed) == _contents(whole)


def _enter(series: AnySeries, time: int, value: int, cap: int) -> None:
    if isinstance(series, DistinctSeries):
        series.add_value(time, value, cap)
    elif isinstance(series, SumSeries):
        series.add_amount(time, float(value), cap)
    else:
        series.add(time, cap)


def _answer(series: AnySeries, now: int, over_ms: int) -> float | AtLeast | None:
    if isinstance(series, DistinctSeries):
        return series.distinct(now, over_ms)
    return series.total(now, over_ms) if isinstance(series, SumSeries) else series.count(now, over_ms)


def _contents(series: AnySeries) -> tuple[object, ...]:
    if not isinstance(series, SumSeries):
        return (series.words,)
    return series.times, series.amounts, series.floor


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_edges_of_a_window_are_open_on_the_left_and_closed_on_the_right(kernel: Any) -> None:
    series = CountSeries(kernel, RETENTION_MS)
    for time in (5_000, 5_010, 5_010, 5_020):
        series.add(time, cap=100)
    assert series.count(5_010, 10) == 2  # equal times are inside, 5,000 lies exactly 10 earlier
    assert series.count(5_010, 11) == 3
    assert series.count(5_019, 10) == 2  # 5,020 is later
    assert series.count(5_020, 10) == 1
