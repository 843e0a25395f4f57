"""Ratios of busy entities: over what both counters still know."""

from engine.core.evaluation.shares import LEAST_SHARED, Part, Share, aligned, with_shares
from engine.core.kernel import add_count, add_distinct
from engine.core.series.entity_series import EntitySeries
from engine.core.values.bounds import AtLeast

HOUR_MS = 3_600_000
SHARE = Share("share", Part("bad", "count", 1, HOUR_MS), Part("all", "count", 2, HOUR_MS))


def busy(count: int, every: int, cap: int = 1_000) -> tuple[EntitySeries, int]:
    """So many events a second apart, every so many-th of which is bad."""
    series, start = EntitySeries(), 100_000_000
    for index in range(count):
        add_count(series.counts, 2, start + index * 1_000, cap, 2 * HOUR_MS)
        if index % every == 0:
            add_count(series.counts, 1, start + index * 1_000, cap, 2 * HOUR_MS)
    return series, start + (count - 1) * 1_000


def test_known_counts_are_as_they_are() -> None:
    assert aligned(3, 9, EntitySeries(), 0, SHARE) == (3, 9)
    assert aligned(None, 9, EntitySeries(), 0, SHARE) == (None, 9)


def test_of_a_busy_entity_it_is_that_of_the_newest_events_of_both() -> None:
    series, now = busy(3_000, 4)
    found = aligned(750, AtLeast(1_000), series, now, SHARE)
    assert found == (250, 1_000)
    assert with_shares({"bad": 750, "all": AtLeast(1_000)}, series, now, [SHARE])["share/2"] == 1_000


def test_what_was_read_at_an_entity_serves_where_there_is_no_series() -> None:
    readings = {"share/1": 250, "share/2": 1_000}
    assert list(aligned(750, AtLeast(1_000), readings, 0, SHARE)) == [250, 1_000]
    assert aligned(750, AtLeast(1_000), {}, 0, SHARE) == (750, AtLeast(1_000))


def test_of_few_events_that_both_know_it_stays_a_bound() -> None:
    series, now = busy(3_000, 1, cap=LEAST_SHARED - 1)
    assert aligned(AtLeast(9), AtLeast(9), series, now, SHARE) == (AtLeast(9), AtLeast(9))


def test_known_counts_are_as_they_are_whatever_else_was_read() -> None:
    assert aligned(3, 9, {"share/1": 1, "share/2": 2}, 0, SHARE) == (3, 9)


def test_a_bound_on_either_side_is_enough_to_ask_what_both_know() -> None:
    readings = {"share/1": 250, "share/2": 1_000}
    for bad, every in ((AtLeast(750), 3_000), (750, AtLeast(1_000)), (AtLeast(750), AtLeast(1_000))):
        assert list(aligned(bad, every, readings, 0, SHARE)) == [250, 1_000]


def test_the_fewest_that_say_something_are_said() -> None:
    series, now = busy(3_000, 1, cap=LEAST_SHARED)
    assert aligned(AtLeast(9), AtLeast(9), series, now, SHARE) == (LEAST_SHARED, LEAST_SHARED)


def test_what_is_read_beside_is_only_what_would_be_unknown_without() -> None:
    series, now = busy(3_000, 4)
    assert with_shares({"bad": 750, "all": 3_000}, series, now, [SHARE]) == {"bad": 750, "all": 3_000}
    few, then = busy(3_000, 4, cap=LEAST_SHARED - 1)
    assert with_shares({"bad": 750, "all": AtLeast(9)}, few, then, [SHARE]) == {"bad": 750, "all": AtLeast(9)}


def test_distinct_values_have_a_share_too() -> None:
    """Each second event has a value of its own; of the busy series, its newest thousand events are known."""
    share = Share("share", Part("users", "distinct", 1, HOUR_MS), Part("all", "count", 2, HOUR_MS))
    series, now = busy(3_000, 4)
    for index in range(0, 3_000, 2):
        add_distinct(series.distincts, 1, 100_000_000 + index * 1_000, index + 1, 3_000, 2 * HOUR_MS)
    assert aligned(1_500, AtLeast(1_000), series, now, share) == (500, 1_000)


def test_a_counter_without_a_series_has_counted_nothing() -> None:
    series, now = busy(3_000, 4)
    other = Share("share", Part("bad", "count", 3, HOUR_MS), SHARE.denominator)
    assert aligned(0, AtLeast(1_000), series, now, other) == (0, 1_000)


def test_the_window_is_never_longer_than_the_counters() -> None:
    """What is left of an hour is less than the hour, but more than a minute of it is known."""
    series, now = busy(3_000, 4)
    minute = Share("share", Part("bad", "count", 1, 600_000), Part("all", "count", 2, 600_000))
    assert aligned(AtLeast(1), AtLeast(1), series, now, minute) == (150, 600)
