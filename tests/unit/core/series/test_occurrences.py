from engine.core.series.entity_series import EntitySeries, trim_others
from engine.core.series.occurrences import (
    OccurrenceSeries,
    add_occurrence,
    doubt_occurrence,
    read_occurrence,
    remove_occurrence,
)
from engine.core.series.windows import SeriesByKey
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.core.values.bounds import AtLeast

KEY, OVER_MS, KEEP_MS = 7, 100, 1_000


def occurrences(*entries: tuple[int, int], cap: int = 10) -> SeriesByKey:
    series: SeriesByKey = {}
    for time, value in entries:
        add_occurrence(series, KEY, time, value, cap, KEEP_MS)
    return series


def test_values_that_occur_so_often_are_counted() -> None:
    series = occurrences((100, 1), (110, 1), (120, 2), (130, 1), (140, 2), (150, 3))
    assert read_occurrence(series, KEY, 150, OVER_MS, 1, None) == 3
    assert read_occurrence(series, KEY, 150, OVER_MS, 2, None) == 2
    assert read_occurrence(series, KEY, 150, OVER_MS, 2, 2) == 1
    assert read_occurrence(series, KEY, 150, OVER_MS, 1, 2) == 2
    assert read_occurrence(series, KEY, 150, 30, 2, None) == 0


def test_what_came_late_is_where_it_belongs() -> None:
    series = occurrences((100, 1), (200, 2), (150, 1))
    assert read_occurrence(series, KEY, 200, OVER_MS, 2, 2) == 0
    assert read_occurrence(series, KEY, 160, OVER_MS, 2, 2) == 1


def test_of_a_full_series_a_lower_bound_is_known_without_an_upper_limit() -> None:
    series = occurrences((100, 1), (110, 1), (120, 2), (130, 2), cap=3)
    assert read_occurrence(series, KEY, 130, OVER_MS, 2, None) == AtLeast(1)
    assert read_occurrence(series, KEY, 130, OVER_MS, 3, None) is None
    assert read_occurrence(series, KEY, 130, OVER_MS, 2, 6) is None
    assert read_occurrence(series, KEY, 130, 30, 2, 6) == 1


def test_repeating_a_value_takes_its_other_occurrences_no_place() -> None:
    series = occurrences(*((100 + at, 1) for at in range(5)), cap=5)
    assert read_occurrence(series, KEY, 104, OVER_MS, 5, 5) == 1


def test_a_doubt_makes_windows_that_begin_before_it_incomplete() -> None:
    series = occurrences((100, 1), (110, 1))
    doubt_occurrence(series, KEY, 105, KEEP_MS)
    assert read_occurrence(series, KEY, 110, OVER_MS, 2, None) == AtLeast(1)
    assert read_occurrence(series, KEY, 110, OVER_MS, 1, 3) is None
    assert read_occurrence(series, KEY, 110, 5, 1, 3) == 1


def test_a_doubt_alone_is_kept_until_nothing_can_ask() -> None:
    series: SeriesByKey = {}
    doubt_occurrence(series, KEY, 100, KEEP_MS)
    trim_others(series, 1_100)
    assert read_occurrence(series, KEY, 110, OVER_MS, 1, 3) is None
    trim_others(series, 1_101)
    assert not series


def test_an_occurrence_is_taken_out_again() -> None:
    series = occurrences((100, 1), (100, 2), (110, 1))
    remove_occurrence(series, KEY, 100, 1)
    remove_occurrence(series, KEY, 100, 9)
    remove_occurrence(series, 8, 100, 1)
    assert read_occurrence(series, KEY, 110, OVER_MS, 1, 1) == 2


def test_without_series_nothing_is_known() -> None:
    assert read_occurrence(None, KEY, 100, OVER_MS, 1, None) is None
    assert read_occurrence({}, KEY, 100, OVER_MS, 1, None) == 0


def test_behind_the_retention_nothing_is_entered() -> None:
    series = occurrences(*((2_000 + at, 1) for at in range(5)))
    add_occurrence(series, KEY, 900, 2, 10, KEEP_MS)
    assert read_occurrence(series, KEY, 950, OVER_MS, 1, None) is None


def test_a_record_keeps_occurrences() -> None:
    record = EntityRecord()
    now = record.relative(1_760_000_000_000)
    record.newest = now
    add_occurrence(record.series.others, KEY, now, 2**64 - 1, 10, KEEP_MS)
    read = load_record(dump_record(record)).series
    assert read_occurrence(read.others, KEY, now, OVER_MS, 1, None) == 1
    assert dump_record(load_record(dump_record(record))) == dump_record(record)


def test_a_later_base_moves_them() -> None:
    series = EntitySeries()
    add_occurrence(series.others, KEY, 100, 1, 10, KEEP_MS)
    add_occurrence(series.others, KEY, 200, 1, 10, KEEP_MS)
    series.shift(150)
    moved = series.others[KEY]
    assert isinstance(moved, OccurrenceSeries)
    assert (moved.times, list(moved.hashes)) == ([50], [1])
