"""Entries that are taken out again: what is left answers as if they had never been there."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.kernel import add_count, add_distinct, read_count, read_distinct
from engine.core.series.entity_series import EntitySeries, add_amount, read_total
from engine.core.series.occurrences import add_occurrence, read_occurrence, remove_occurrence
from engine.core.series.withdrawing import remove_amount, remove_count, remove_distinct
from engine.core.values.bounds import AtLeast

KEY, OVER_MS, CAP, KEEP_MS = 7, 1_000, 50, 10_000
ENTRIES = st.lists(st.tuples(st.integers(5_000, 6_000), st.integers(0, 3), st.booleans()), max_size=40)


@given(ENTRIES, st.integers(5_000, 7_000))
def test_what_is_left_answers_as_if_the_rest_had_never_come(entries: list[tuple[int, int, bool]], now: int) -> None:
    with_all, without = EntitySeries(), EntitySeries()
    for series, kept in ((with_all, entries), (without, [entry for entry in entries if not entry[2]])):
        for time, value, _ in kept:
            add_count(series.counts, KEY, time, CAP, KEEP_MS)
            add_distinct(series.distincts, KEY, time, value, CAP, KEEP_MS)
            add_amount(series.others, KEY, time, float(value), CAP, KEEP_MS)
            add_occurrence(series.others, KEY + 1, time, value, CAP, KEEP_MS)
    for time, value, goes in entries:
        if goes:
            remove_count(with_all.counts, KEY, time)
            remove_distinct(with_all.distincts, KEY, time, value)
            remove_amount(with_all.others, KEY, time, float(value))
            remove_occurrence(with_all.others, KEY + 1, time, value)
    assert read_count(with_all.counts, KEY, now, OVER_MS) == read_count(without.counts, KEY, now, OVER_MS)
    assert read_distinct(with_all.distincts, KEY, now, OVER_MS) == read_distinct(without.distincts, KEY, now, OVER_MS)
    often, still = (read_occurrence(series.others, KEY + 1, now, OVER_MS, 2, 3) for series in (with_all, without))
    assert often == still
    assert read_total(with_all.others, KEY, now, OVER_MS, CAP) == read_total(without.others, KEY, now, OVER_MS, CAP)


def test_nothing_is_taken_out_of_what_is_not_there() -> None:
    series = EntitySeries()
    remove_count(series.counts, KEY, 5_000)
    remove_distinct(series.distincts, KEY, 5_000, 1)
    remove_amount(series.others, KEY, 5_000, 1.0)
    assert not series


def test_what_has_been_given_up_leaves_what_is_certain() -> None:
    series = EntitySeries()
    for time in range(5_000, 5_005):
        add_count(series.counts, KEY, time, 3, KEEP_MS)
    remove_count(series.counts, KEY, 5_000)  # gone already, as the oldest of five
    assert read_count(series.counts, KEY, 5_010, OVER_MS) == AtLeast(3)


def test_an_amount_that_has_been_merged_is_taken_off() -> None:
    series = EntitySeries()
    for time in range(5_000, 5_004):
        add_amount(series.others, KEY, time, 2.0, 3, KEEP_MS)
    remove_amount(series.others, KEY, 5_001, 2.0)
    assert read_total(series.others, KEY, 5_010, OVER_MS, 3) == 6.0
