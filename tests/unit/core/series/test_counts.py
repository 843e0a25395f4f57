"""Count series at their edges, in Python and compiled."""

from array import array
from typing import Any

import pytest

from engine.core.series.counts import doubt_count, new_counts, times_between
from engine.core.series.packed import FLOOR, Packed, head
from engine.core.values.bounds import AtLeast
from tests.kernels import KERNELS, times_by_key

pytestmark = pytest.mark.parametrize("kernel", KERNELS)


def counted(kernel: Any, *times: int, cap: int = 100, retention_ms: int = 1_000) -> "Packed[int]":
    words = new_counts()
    for now in times:
        kernel.add_count(words, 1, now, cap, retention_ms)
    return words


def test_a_window_has_its_end_and_not_its_beginning(kernel: Any) -> None:
    words = counted(kernel, 100, 200, 200, 300)
    assert [kernel.read_count(words, 1, 200, over_ms) for over_ms in (99, 100, 101)] == [2, 2, 3]
    assert [kernel.read_count(words, 1, now, 150) for now in (199, 299, 300)] == [1, 2, 3]
    assert kernel.read_count(words, 2, 300, 900) == 0
    assert kernel.read_counts(words, 300, array("q", [1, 150, 2, 900, 1, 50])) == [3, 0, 1]


def test_a_late_event_is_entered_unless_it_lies_behind_the_retention(kernel: Any) -> None:
    words = counted(kernel, 1_000, 1_001, 1_002, 1_003, 900, 901, 1_001, retention_ms=100)
    assert times_by_key(words) == {1: [901, 1_000, 1_001, 1_001, 1_002, 1_003]}


def test_a_full_series_forgets_its_oldest_and_knows_a_bound(kernel: Any) -> None:
    words = counted(kernel, 100, 101, 102, 103, cap=4)
    assert kernel.read_count(words, 1, 103, 500) == 4
    kernel.add_count(words, 1, 104, 4, 1_000)
    assert times_by_key(words) == {1: [101, 102, 103, 104]}
    assert [kernel.read_count(words, 1, 104, over_ms) for over_ms in (4, 5)] == [4, AtLeast(4)]
    assert kernel.read_count(words, 1, 100, 50) is None


def test_a_smaller_cap_forgets_as_many_as_it_must(kernel: Any) -> None:
    words = counted(kernel, 100, 101, 102, 103, 104)
    kernel.add_count(words, 1, 105, 3, 1_000)
    assert times_by_key(words) == {1: [103, 104, 105]}
    assert words[head(words, FLOOR, 0)] == 102
    kernel.add_count(words, 1, 101, 3, 1_000)  # entered behind the floor, and forgotten again
    assert times_by_key(words) == {1: [103, 104, 105]}
    assert words[head(words, FLOOR, 0)] == 102


def test_beyond_the_retention_what_is_certain_is_a_bound(kernel: Any) -> None:
    words = counted(kernel, 901, 1_000, 1_001, 1_002, 1_003, retention_ms=100)
    assert kernel.read_count(words, 1, 1_003, 103) == 5
    assert kernel.read_count(words, 1, 1_003, 104) == AtLeast(5)


def test_a_window_that_begins_at_a_doubt_does_not_have_it(kernel: Any) -> None:
    words = counted(kernel, 100, 200)
    doubt_count(words, 1, 150, 1_000)
    assert [kernel.read_count(words, 1, 200, over_ms) for over_ms in (50, 51)] == [1, AtLeast(1)]


def test_times_of_all_series_are_told_by_when_they_were(kernel: Any) -> None:
    words = counted(kernel, 100, 200, 300)
    kernel.add_count(words, 2, 250, 10, 1_000)
    doubt_count(words, 3, 260, 1_000)
    assert times_between(words, 100, 250) == [200, 250]
    assert times_between(words, 299, 300) == [300]
    assert times_between(words, 300, 900) == []
