"""Ratios of busy entities: over what both counters still know."""

from engine.core.bounds import AtLeast
from engine.core.kernel import add_count
from engine.core.series import EntitySeries
from engine.core.shares import LEAST_SHARED, Part, Share, aligned, with_shares

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
