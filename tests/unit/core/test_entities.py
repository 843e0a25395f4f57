"""The record of one entity."""

from typing import Any

import pytest

from engine.core.bounds import AtLeast
from engine.core.entities import MAX_WINDOW_MS, RECENT_IDS, EntityRecord
from engine.core.kernel import add_count, read_count
from engine.core.recent import CONFLICTING, NEW, SEEN
from engine.core.records import dump_record, load_record
from engine.errors import StateError
from tests.kernels import KERNELS, CountSeries, times_by_key

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def test_event_ids_are_remembered_up_to_a_limit() -> None:
    record = EntityRecord()
    events = [(index << 32, index) for index in range(RECENT_IDS + 1)]
    assert all(record.remember(*event) == NEW for event in events)
    assert record.remember(*events[1]) == SEEN
    assert record.remember(events[1][0], 99) == CONFLICTING  # the same id with another content is another event
    assert record.remember(*events[0]) == NEW  # it has been forgotten


def test_months_pass_and_the_base_moves_on() -> None:
    record = EntityRecord()
    for day in range(0, 200, 10):
        now = record.relative(START_MS + day * DAY_MS)
        record.newest = max(record.newest, now)
        add_count(record.series.counts, 1, now, 100, MAX_WINDOW_MS + DAY_MS)
        expected = min(day // 10 + 1, 3)
        assert read_count(record.series.counts, 1, now, MAX_WINDOW_MS) == expected
    assert load_record(dump_record(record)).newest == record.newest


def test_an_event_days_before_the_first_one_counts_at_the_earliest_time_there_is() -> None:
    record = EntityRecord()
    assert record.relative(START_MS) > 0
    assert record.relative(START_MS - 3 * DAY_MS) == 0


def test_series_unknown_to_the_rulebook_are_kept_until_they_expire() -> None:
    record = EntityRecord()
    now = record.relative(START_MS)
    record.newest = now
    add_count(record.series.counts, 7, now, 10, DAY_MS)
    kept = load_record(dump_record(record))
    assert times_by_key(kept.series.counts) == {7: [now]}
    kept.newest = kept.relative(START_MS + 3 * DAY_MS)
    assert not load_record(dump_record(kept)).series


def test_a_record_of_another_version_says_so() -> None:
    data = bytearray(dump_record(EntityRecord()))
    data[0] = 99
    with pytest.raises(StateError, match="version 99"):
        load_record(bytes(data))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_window_that_a_new_rulebook_makes_longer_has_a_lower_bound_until_it_is_filled(kernel: Any) -> None:
    series = CountSeries(kernel, 2_000)
    for now in (1_000, 1_500, 2_000, 9_000, 9_010, 9_020, 9_030):
        series.add(now, 100)
    series.retain(20_000)
    series.add(9_100, 100)
    assert series.count(9_100, 10_000) == AtLeast(5)
    assert series.count(9_100, 1_000) == 5


@pytest.mark.parametrize(
    ("word", "value"), [(0, 0), (0, 1), (0, 3), (0, 2**31), (3, 7), (4, 1), (4, 3), (4, 2**32 - 1)]
)
def test_counts_that_do_not_fill_their_room_are_refused(word: int, value: int) -> None:
    """Compiled functions trust them: two series of one event each, with a wrong number or a wrong end."""
    record = EntityRecord()
    now = record.relative(START_MS)
    for key in (1, 2):
        add_count(record.series.counts, key, now, 10, DAY_MS)
    record.newest = now
    words = record.series.counts.tobytes()
    damaged = words[: 4 * word] + value.to_bytes(4, "little") + words[4 * word + 4 :]
    data = dump_record(record)
    assert words in data
    with pytest.raises(StateError):
        load_record(data.replace(words, damaged))
