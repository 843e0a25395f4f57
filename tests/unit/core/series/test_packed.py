"""Series packed in one array: what stands where, and what is given up when."""

from array import array

import pytest

from engine.core.series import counts, distincts
from engine.core.series.packed import (
    AHEAD,
    NOTHING_LOST,
    Layout,
    after,
    begin,
    bounds,
    doubt,
    find,
    finish,
    holds,
    horizon,
    is_sound,
    lost_until,
    opened,
    retain,
    shift,
    trim,
    trim_series,
)

Entries = tuple[int, list[int], list[int]]
"""A retention, the floor and further times, and the words of the entries."""


def packed(layout: Layout, series: dict[int, Entries]) -> "array[int]":
    """The words, as the format describes them."""
    ends, words = [], 0
    for _, _, entries in series.values():
        words += len(entries)
        ends.append(words)
    columns = [list(series), ends, [one[0] for one in series.values()]]
    columns += [[one[1][column] for one in series.values()] for column in range(layout.columns - 3)]
    body = [word for one in series.values() for word in one[2]]
    code = "I" if layout is counts.LAYOUT else "Q"
    return array(code, [len(series), *(word for column in columns for word in column), *body])


def counted(series: dict[int, Entries]) -> "array[int]":
    return packed(counts.LAYOUT, series)


def distinct(series: dict[int, Entries]) -> "array[int]":
    return packed(distincts.LAYOUT, series)


def test_a_series_is_found_by_its_key() -> None:
    words = counted({5: (100, [0], [1]), 9: (100, [0], [9, 9])})
    assert [find(words, key) for key in (4, 5, 6, 9, 10)] == [0, 0, 1, 1, 2]
    assert [holds(words, find(words, key), key) for key in (4, 5, 6, 9, 10)] == [False, True, False, True, False]
    assert not holds(words, 2, 2)  # behind the last key is the first end


def test_entries_of_a_series_lie_between_its_bounds() -> None:
    words = distinct({1: (9, [0, 0], [10, 11]), 2: (9, [0, 0], []), 3: (9, [0, 0], [30, 31, 40, 41])})
    found = [words[slice(*bounds(words, place, distincts.LAYOUT))].tolist() for place in range(3)]
    assert found == [[10, 11], [], [30, 31, 40, 41]]


@pytest.mark.parametrize("key", [1, 3, 5])
def test_a_series_begins_and_ends_in_front_of_between_and_behind_others(key: int) -> None:
    others: dict[int, Entries] = {2: (100, [7, 8], [20, 21]), 4: (200, [9, 10], [40, 41, 50, 51])}
    words = distinct(others)
    begin(words, find(words, key), key, 300, distincts.LAYOUT)
    assert words == distinct(dict(sorted({**others, key: (300, [0, 0], [])}.items())))
    finish(words, find(words, key), distincts.LAYOUT)
    assert words == distinct(others)


@pytest.mark.parametrize(("key", "left"), [(2, 4), (4, 2)])
def test_the_entries_of_a_series_go_with_it(key: int, left: int) -> None:
    both: dict[int, Entries] = {2: (100, [7], [20, 21]), 4: (200, [9], [40, 41, 50])}
    words = counted(both)
    finish(words, find(words, key), counts.LAYOUT)
    assert words == counted({left: both[left]})


def test_only_entries_behind_more_than_a_few_others_give_anything_up() -> None:
    few = [500 + index for index in range(AHEAD)]
    words = counted({1: (100, [0], [400, *few]), 2: (100, [0], few)})
    assert horizon(words, 0, counts.LAYOUT) == 300
    assert horizon(words, 1, counts.LAYOUT) == NOTHING_LOST
    pairs = [word for time in few for word in (time, 7)]
    words = distinct({1: (100, [0, 0], pairs), 2: (100, [0, 0], [400, 7, *pairs])})
    assert horizon(words, 0, distincts.LAYOUT) == NOTHING_LOST
    assert horizon(words, 1, distincts.LAYOUT) == 300


@pytest.mark.parametrize(("floor", "lost"), [(0, 300), (299, 300), (301, 301)])
def test_the_newest_loss_is_the_later_of_floor_and_retention(floor: int, lost: int) -> None:
    words = counted({1: (100, [floor], [400, 500, 501, 502])})
    assert lost_until(words, 0, counts.LAYOUT) == lost


def test_with_neither_floor_nor_retention_reached_nothing_is_lost() -> None:
    """Not even before the record's first moment, which a window may reach back behind."""
    words = counted({1: (1_000, [0], [400, 500, 501, 502]), 2: (1_000, [0], [])})
    assert lost_until(words, 0, counts.LAYOUT) == -600
    assert lost_until(words, 1, counts.LAYOUT) == NOTHING_LOST


@pytest.mark.parametrize(
    ("floor", "retention", "later_floor"),
    [(0, 101, 300), (350, 101, 350), (0, 100, 0), (0, 99, 0)],
)
def test_a_longer_retention_brings_nothing_back(floor: int, retention: int, later_floor: int) -> None:
    entries = [400, 500, 501, 502]
    words = counted({1: (100, [floor], entries)})
    retain(words, 0, retention, counts.LAYOUT)
    assert words == counted({1: (retention, [later_floor], entries)})


def test_a_longer_retention_of_a_young_series_leaves_its_floor() -> None:
    words = counted({1: (1_000, [0], [400, 500, 501, 502]), 2: (1_000, [0], [400])})
    for place in (0, 1):
        retain(words, place, 2_000, counts.LAYOUT)
    assert words == counted({1: (2_000, [0], [400, 500, 501, 502]), 2: (2_000, [0], [400])})


def test_a_series_opens_new_or_known_or_with_another_retention() -> None:
    entries = [250, 301, 400, 500, 501, 502]
    words = counted({4: (100, [0], entries)})
    assert opened(words, 4, 100, counts.LAYOUT) == 0
    assert words == counted({4: (100, [0], entries)})
    assert opened(words, 6, 50, counts.LAYOUT) == 1
    assert opened(words, 4, 200, counts.LAYOUT) == 0  # what the old retention had given up is gone
    assert words == counted({4: (200, [300], entries[1:]), 6: (50, [0], [])})


def test_a_doubt_raises_the_floor_and_never_lowers_it() -> None:
    words = counted({3: (100, [0], [5])})
    for now, floor in ((40, 40), (60, 60), (50, 60)):
        doubt(words, 7, now, 100, counts.LAYOUT)
        assert words == counted({3: (100, [0], [5]), 7: (100, [floor], [])})


@pytest.mark.parametrize(("time", "skipped"), [(9, 0), (10, 2), (11, 2), (20, 3), (21, 3)])
def test_what_comes_after_a_time_begins_behind_its_equals(time: int, skipped: int) -> None:
    words = distinct({1: (9, [0, 0], [1, 1]), 2: (9, [0, 0], [10, 99, 10, 98, 20, 97])})
    first, end = bounds(words, 1, distincts.LAYOUT)
    assert after(words, time, first, end, distincts.LAYOUT) == first + 2 * skipped


def test_trimming_drops_what_lies_at_the_horizon_and_keeps_what_lies_after_it() -> None:
    kept = [301, 1, 400, 1, 500, 1, 501, 1, 502, 1]
    words = distinct({1: (100, [300, 301], [299, 1, 300, 1, *kept]), 2: (100, [301, 300], kept)})
    trim_series(words, 0, distincts.LAYOUT)
    assert words == distinct({1: (100, [0, 301], kept), 2: (100, [301, 300], kept)})
    trim_series(words, 1, distincts.LAYOUT)
    assert words == distinct({1: (100, [0, 301], kept), 2: (100, [301, 0], kept)})
    words = distinct({1: (100, [0, 0], [300, 1, *kept])})
    trim_series(words, 0, distincts.LAYOUT)
    assert words == distinct({1: (100, [0, 0], kept)})


def test_trimming_leaves_a_series_without_entries_alone() -> None:
    words = counted({1: (100, [0], []), 2: (100, [50], [])})
    before = words[:]
    for place in (0, 1):
        trim_series(words, place, counts.LAYOUT)
    assert words == before


@pytest.mark.parametrize(("oldest", "keys"), [(600, [1, 2]), (601, [2]), (700, [2]), (701, [])])
def test_a_series_goes_when_its_retention_has_passed_for_the_oldest_event(oldest: int, keys: list[int]) -> None:
    words = counted({1: (200, [0], [300, 400]), 2: (100, [0], [600])})
    assert trim(words, oldest, counts.LAYOUT) == {1: 200, 2: 100, 0: 0}[keys[0] if keys else 0]
    assert words[1 : 1 + words[0]].tolist() == keys


@pytest.mark.parametrize(("oldest", "keys"), [(150, [1, 2]), (151, [2])])
def test_a_mere_doubt_is_kept_for_as_long(oldest: int, keys: list[int]) -> None:
    words = counted({1: (100, [50], []), 2: (100, [5_000], [])})
    assert trim(words, oldest, counts.LAYOUT) == 100
    assert words[1 : 1 + words[0]].tolist() == keys


def test_a_doubt_newer_than_all_entries_keeps_them() -> None:
    words = distinct({1: (100, [500, 0], [300, 7]), 2: (100, [0, 0], [300, 7])})
    assert trim(words, 600, distincts.LAYOUT) == 100
    assert words == distinct({1: (100, [500, 0], [300, 7])})


def test_a_series_of_which_nothing_is_known_goes() -> None:
    words = counted({1: (100, [0], []), 2: (300, [0], [1])})
    assert trim(words, 0, counts.LAYOUT) == 300
    assert words == counted({2: (300, [0], [1])})


def test_a_later_base_drops_what_lies_before_it() -> None:
    words = distinct({1: (9, [99, 130], [99, 1, 100, 2]), 2: (9, [101, 100], [98, 3]), 3: (9, [0, 0], [150, 4])})
    shift(words, 100, distincts.LAYOUT)
    assert words == distinct({1: (9, [0, 30], [0, 2]), 2: (9, [1, 0], []), 3: (9, [0, 0], [50, 4])})


SOUND = distinct({1: (9, [0, 0], [10, 1]), 2: (9, [0, 0], [20, 2, 30, 3])})


def test_words_that_fill_their_room_are_sound() -> None:
    assert is_sound(SOUND, distincts.LAYOUT)
    assert is_sound(array("Q", [0]), distincts.LAYOUT)
    assert is_sound(distinct({1: (9, [0, 0], []), 2: (9, [0, 0], [])}), distincts.LAYOUT)
    assert is_sound(distinct({1: (9, [0, 0], [10, 1])}), distincts.LAYOUT)
    assert is_sound(distinct({key: (9, [0, 0], [10, key]) for key in (1, 2, 3)}), distincts.LAYOUT)


@pytest.mark.parametrize(
    "words",
    [
        array("Q"),
        array("Q", [0, 0]),
        SOUND[:-1],
        SOUND[:-2],
        SOUND + array("Q", [7]),
        SOUND + array("Q", [7, 7]),
        array("Q", [*SOUND[:3], 1, *SOUND[4:]]),  # an end within an entry
        array("Q", [*SOUND[:3], 8, *SOUND[4:]]),  # an end behind that of the next
    ],
)
def test_words_that_do_not_are_not(words: "array[int]") -> None:
    assert not is_sound(words, distincts.LAYOUT)
