"""Distinct series at their edges, in Python and compiled."""

from typing import Any

import pytest

from engine.core.series.distincts import (
    EXACT_FROM,
    doubt_distinct,
    first_time,
    new_distincts,
    remove_distinct,
)
from engine.core.series.packed import FLOOR, Packed, head
from engine.core.values.bounds import AtLeast
from tests.kernels import KERNELS, entries_by_key

pytestmark = pytest.mark.parametrize("kernel", KERNELS)


def entered(kernel: Any, *entries: tuple[int, int], cap: int = 100, retention_ms: int = 1_000) -> "Packed[int]":
    words = new_distincts()
    for now, value in entries:
        kernel.add_distinct(words, 1, now, value, cap, retention_ms)
    return words


def losses(words: "Packed[int]") -> tuple[int, int]:
    return words[head(words, FLOOR, 0)], words[head(words, EXACT_FROM, 0)]


def test_a_window_has_its_end_and_not_its_beginning(kernel: Any) -> None:
    words = entered(kernel, (100, 7), (200, 8), (200, 9), (300, 8))
    assert [kernel.read_distinct(words, 1, 200, over_ms) for over_ms in (99, 100, 101)] == [2, 2, 3]
    assert [kernel.read_distinct(words, 1, now, 250) for now in (99, 199, 299, 300)] == [0, 1, 3, 3]
    assert kernel.read_distinct(words, 1, 300, 200) == 2
    assert kernel.read_distinct(words, 2, 300, 900) == 0
    assert kernel.read_distinct(None, 1, 300, 900) is None


def test_a_late_value_is_entered_unless_it_lies_behind_the_retention(kernel: Any) -> None:
    ahead = [(1_000, 1), (1_001, 2), (1_002, 3), (1_003, 4)]
    words = entered(kernel, *ahead, (900, 5), (901, 6), (1_001, 7), (1_003, 8), retention_ms=100)
    assert entries_by_key(words)[1] == [
        (901, 6), (1_000, 1), (1_001, 2), (1_001, 7), (1_002, 3), (1_003, 4), (1_003, 8),
    ]  # fmt: skip


def test_a_full_series_of_different_values_forgets_the_oldest(kernel: Any) -> None:
    words = entered(kernel, (100, 1), (101, 2), (102, 3), (103, 4), cap=4)
    assert kernel.read_distinct(words, 1, 103, 500) == 4
    kernel.add_distinct(words, 1, 104, 5, 4, 1_000)
    assert entries_by_key(words)[1] == [(101, 2), (102, 3), (103, 4), (104, 5)]
    assert losses(words) == (100, 0)
    assert [kernel.read_distinct(words, 1, 104, over_ms) for over_ms in (4, 5)] == [4, AtLeast(4)]


def test_a_full_series_first_forgets_a_value_that_comes_again(kernel: Any) -> None:
    words = entered(kernel, (100, 1), (101, 2), (102, 3), (103, 2), (104, 2), cap=4)
    assert entries_by_key(words)[1] == [(100, 1), (102, 3), (103, 2), (104, 2)]
    assert losses(words) == (0, 103)
    assert kernel.read_distinct(words, 1, 103, 500) == 3
    assert kernel.read_distinct(words, 1, 102, 500) == AtLeast(2)  # 2 was there too, and is not any more


def test_a_smaller_cap_forgets_as_many_as_it_must(kernel: Any) -> None:
    words = entered(kernel, (100, 1), (101, 2), (102, 1), (103, 4))
    kernel.add_distinct(words, 1, 104, 5, 2, 1_000)
    assert entries_by_key(words)[1] == [(103, 4), (104, 5)]
    assert losses(words) == (102, 102)


def test_a_series_behind_another_makes_room_of_its_own(kernel: Any) -> None:
    words = entered(kernel, (50, 1), (51, 1), (52, 2))
    for now, value in ((100, 1), (101, 2), (102, 1), (103, 3)):
        kernel.add_distinct(words, 2, now, value, 2, 1_000)
    assert entries_by_key(words) == {1: [(50, 1), (51, 1), (52, 2)], 2: [(102, 1), (103, 3)]}
    assert losses(words) == (0, 0)


def test_beyond_the_retention_what_is_certain_is_a_bound(kernel: Any) -> None:
    words = entered(kernel, (901, 1), (1_000, 2), (1_001, 3), (1_002, 4), (1_003, 5), retention_ms=100)
    assert [kernel.read_distinct(words, 1, 1_003, over_ms) for over_ms in (103, 104)] == [5, AtLeast(5)]


def test_a_window_that_begins_at_a_doubt_does_not_have_it(kernel: Any) -> None:
    words = entered(kernel, (100, 1), (200, 2))
    doubt_distinct(words, 1, 150, 1_000)
    assert [kernel.read_distinct(words, 1, 200, over_ms) for over_ms in (50, 51)] == [1, AtLeast(1)]


def test_the_first_time_of_a_value_lies_within_what_is_asked(kernel: Any) -> None:
    words = entered(kernel, (100, 1), (150, 2), (200, 1))
    assert [first_time(words, 1, 1, *span) for span in ((99, 100), (100, 200), (100, 199), (0, 99))] == [
        100, 200, None, None,
    ]  # fmt: skip
    assert first_time(words, 1, 3, 0, 900) is None
    assert first_time(words, 2, 1, 0, 900) is None


def test_of_a_value_the_newest_entry_is_taken_out(kernel: Any) -> None:
    words = entered(kernel, (100, 7), (200, 8), (300, 7))
    kernel.add_distinct(words, 2, 100, 7, 100, 1_000)
    assert remove_distinct(words, 1, 7)
    assert entries_by_key(words) == {1: [(100, 7), (200, 8)], 2: [(100, 7)]}
    assert kernel.read_distinct(words, 1, 300, 1_000) == 2
    assert remove_distinct(words, 1, 7)
    assert not remove_distinct(words, 1, 7)
    assert not remove_distinct(words, 3, 7)
    assert entries_by_key(words) == {1: [(200, 8)], 2: [(100, 7)]}


def test_what_was_given_up_stays_unknown_when_the_newest_is_taken_out(kernel: Any) -> None:
    entries = [(100, 1), *((2_000 + at, 2 + at) for at in range(4))]
    for words in (trimmed := entered(kernel, *entries), entered(kernel, *entries)):
        if words is trimmed:
            kernel.trim_distincts(words, 0)
        assert remove_distinct(words, 1, 5)
        assert kernel.read_distinct(words, 1, 2_002, 1_950) == AtLeast(3)
        assert kernel.read_distinct(words, 1, 2_002, 1_000) == 3
    assert words == trimmed
