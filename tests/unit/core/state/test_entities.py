"""The record of one entity."""

from typing import Any

import pytest

from engine.core.kernel import add_count, add_distinct, read_count, remember
from engine.core.series.counts import new_counts
from engine.core.series.entity_series import add_amount
from engine.core.series.packed import AHEAD
from engine.core.series.recent import CONFLICTING, NEW, SEEN
from engine.core.series.remembered import FIRST, LAST, memorize, recall_first_age, recall_last
from engine.core.state.clusters import ClusterLink
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import MAX_LATENESS_MS, MAX_WINDOW_MS, RECENT_IDS, USUAL_RELATIVE_MS, EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.core.values.bounds import AtLeast
from engine.errors import StateError
from tests.kernels import KERNELS, CountSeries, times_by_key

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def test_event_ids_are_remembered_up_to_a_limit() -> None:
    record = EntityRecord()
    events = [(index << 32, index) for index in range(RECENT_IDS + 1)]
    assert all(remember(record.recent, *event, RECENT_IDS) == NEW for event in events)
    assert remember(record.recent, *events[1], RECENT_IDS) == SEEN
    other = (events[1][0], 99)  # the same id with another content is another event
    assert remember(record.recent, *other, RECENT_IDS) == CONFLICTING
    assert remember(record.recent, *events[0], RECENT_IDS) == NEW  # it has been forgotten


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


@pytest.mark.parametrize("late_ms", [0, MAX_LATENESS_MS])
def test_notes_are_kept_as_long_as_a_crossing_may_still_reach_them(late_ms: int) -> None:
    """However late it may come: what lies before that is dropped, and what is within the lookback is released."""
    record, lookback_ms = EntityRecord(), 3 * DAY_MS
    record.relative(START_MS)
    record.newest = 10 * DAY_MS
    first = record.newest - MAX_LATENESS_MS - lookback_ms
    notes = record.contributors[1] = Contributors(lookback_ms)
    times = [first - 1, first + 1, record.newest - late_ms - lookback_ms + 1, record.newest - late_ms]
    for place, time in enumerate(times):
        notes.note(Contributor(time, f"e{place}", "post", "u", "", 0))
    assert record.trim() == record.base_ms + record.newest + lookback_ms + MAX_LATENESS_MS
    assert [one.event_id for one in notes.notes] == ["e1", "e2", "e3"]
    notes.cross(record.newest - late_ms)
    reached = ["e2", "e3"] if late_ms == 0 else ["e1", "e2", "e3"]
    assert [one.event_id for one in notes.release()] == reached


def test_a_crossing_is_kept_as_long_as_a_late_event_may_lie_before_it() -> None:
    record = EntityRecord()
    record.relative(START_MS)
    record.newest = 10 * DAY_MS
    notes = record.contributors[1] = Contributors(DAY_MS)
    notes.cross(record.newest - MAX_LATENESS_MS)
    record.trim()
    assert record.contributors[1] is notes
    notes.note(Contributor(record.newest - MAX_LATENESS_MS, "late", "post", "u", "", 0))
    assert [one.event_id for one in notes.release()] == ["late"]
    record.newest += 2 * DAY_MS + 1
    record.trim()
    assert not record.contributors


def test_notes_and_crossings_move_with_the_base() -> None:
    notes = Contributors(10)
    for time in (99, 100, 150):
        notes.note(Contributor(time, f"e{time}", "post", "u", "", 0))
    for time in (85, 105, 150):
        notes.cross(time)
    notes.shift(100)
    assert [(one.time, one.event_id) for one in notes.notes] == [(0, "e100"), (50, "e150")]
    assert notes.spans == [(0, 5), (40, 50)]


def test_a_rest_is_kept_as_long_as_a_late_event_may_fall_into_it() -> None:
    record, rule = EntityRecord(), 1
    record.cool(rule, 5 * DAY_MS, DAY_MS)
    record.newest = 6 * DAY_MS + MAX_LATENESS_MS
    assert record.trim() == record.newest + DAY_MS + MAX_LATENESS_MS
    assert record.cooling(rule, 6 * DAY_MS - 1)
    record.newest += 1
    assert not record.cooling(rule, 6 * DAY_MS - 1)
    assert record.trim() == record.newest + MAX_LATENESS_MS
    assert not record.cooldowns


def test_who_was_met_is_remembered_up_to_a_limit() -> None:
    record = EntityRecord()
    assert all(record.meet(hit) for hit in range(RECENT_IDS))
    assert not record.meet(0)
    assert record.meet(RECENT_IDS)
    assert not record.meet(1)
    assert record.meet(0)  # it has been forgotten


@pytest.mark.parametrize("kernel", KERNELS)
def test_room_that_the_retention_made_costs_no_certainty(kernel: Any) -> None:
    """A full series gives up what is too old first: when that is enough, nothing else is lost."""
    words, cap = new_counts(), AHEAD + 2
    kernel.add_count(words, 1, 9_000, cap, 1_000)  # another series, in front of it
    for now in (5_000, 5_500, *range(6_100, 6_100 + AHEAD + 1)):
        kernel.add_count(words, 2, now, cap, 1_000)
    assert times_by_key(words)[2] == [5_500, *range(6_100, 6_100 + AHEAD + 1)]
    assert kernel.read_count(words, 2, 6_200, 1_000) == cap


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


def test_a_scale_of_time_serves_until_little_room_is_left_ahead() -> None:
    assert USUAL_RELATIVE_MS + 3 * MAX_LATENESS_MS == 2**32 - 1  # the last time that a record's bytes can hold
    record = EntityRecord()
    assert record.relative(START_MS) == 2 * MAX_LATENESS_MS
    base_ms = record.base_ms
    assert record.relative(base_ms + USUAL_RELATIVE_MS) == USUAL_RELATIVE_MS
    assert record.base_ms == base_ms
    assert record.relative(base_ms + USUAL_RELATIVE_MS + 1) == MAX_WINDOW_MS + 2 * MAX_LATENESS_MS
    assert record.base_ms == base_ms + USUAL_RELATIVE_MS + 1 - MAX_WINDOW_MS - 2 * MAX_LATENESS_MS


def test_all_that_a_record_knows_moves_to_its_new_scale() -> None:
    record = EntityRecord()
    record.base_ms = START_MS
    moved = USUAL_RELATIVE_MS + 1 - MAX_WINDOW_MS - 2 * MAX_LATENESS_MS
    record.newest = moved + 500
    add_count(record.series.counts, 1, moved + 500, 10, DAY_MS)
    for rule, time in enumerate((moved - 1, moved, moved + 7)):
        record.cool(rule, time, 1_000)
    notes = record.contributors[1] = Contributors(DAY_MS)
    notes.note(Contributor(moved + 9, "e", "post", "u", "", 0))
    record.links[1] = ClusterLink(5, moved + 11, {"u": moved + 13})
    record.relative(START_MS + USUAL_RELATIVE_MS + 1)
    assert record.newest == 500
    assert times_by_key(record.series.counts) == {1: [500]}
    assert record.cooldowns == {1: (0, 1_000), 2: (7, 1_000)}
    assert [one.time for one in notes.notes] == [9]
    assert record.links[1] == ClusterLink(5, 11, {"u": 13})


def test_the_newest_event_is_never_before_the_new_scale() -> None:
    record = EntityRecord()
    record.base_ms, record.newest = START_MS, 500
    record.relative(START_MS + USUAL_RELATIVE_MS + 1)
    assert record.newest == 0


@pytest.mark.parametrize(
    ("now", "rests"), [(4_000, False), (4_001, True), (5_000, True), (5_999, True), (6_000, False)]
)
def test_a_rule_rests_before_and_after_it_acted(now: int, rests: bool) -> None:
    """Before, as an event that comes late would else act a second time."""
    record = EntityRecord()
    record.cool(1, 5_000, 1_000)
    assert record.cooling(1, now) is rests
    assert not record.cooling(2, now)


@pytest.mark.parametrize(("now", "rest"), [(4_999, (5_000, 1_000)), (5_000, (5_000, 20)), (5_001, (5_001, 20))])
def test_only_a_later_action_replaces_a_rest(now: int, rest: tuple[int, int]) -> None:
    record = EntityRecord()
    record.cool(1, 5_000, 1_000)
    record.cool(1, now, 20)
    assert record.cooldowns == {1: rest}


def test_a_record_matters_for_as_long_as_the_longest_of_what_it_has() -> None:
    record = EntityRecord()
    now = record.newest = record.relative(START_MS)
    last = START_MS + MAX_LATENESS_MS
    assert record.trim() == last
    add_count(record.series.counts, 1, now, 10, 5_000)
    assert record.trim() == last + 5_000
    add_distinct(record.series.distincts, 1, now, 9, 10, 6_000)
    assert record.trim() == last + 6_000
    add_amount(record.series.others, 1, now, 1.0, 10, 7_000)
    assert record.trim() == last + 7_000
    record.cool(1, now, 8_000)
    record.cool(2, now, 100)
    assert record.trim() == last + 8_000
    for rule, lookback_ms in ((1, 9_000), (2, 100)):
        record.contributors[rule] = Contributors(lookback_ms)
        record.contributors[rule].cross(now)
    assert record.trim() == last + 9_000
    add_count(record.series.counts, 1, now, 10, 50_000)
    assert record.trim() == last + 50_000


def test_what_is_left_of_notes_and_crossings_is_enough_to_keep_them() -> None:
    record = EntityRecord()
    record.newest = 10 * DAY_MS
    for rule in (1, 2, 3):
        record.contributors[rule] = Contributors(DAY_MS)
    record.contributors[1].note(Contributor(record.newest, "e", "post", "u", "", 0))
    record.contributors[2].cross(record.newest)
    record.trim()
    assert list(record.contributors) == [1, 2]


def test_a_link_is_kept_while_it_has_users_or_still_holds() -> None:
    record = EntityRecord()
    record.newest = 10 * DAY_MS
    oldest = record.newest - MAX_LATENESS_MS
    record.links = {
        1: ClusterLink(5, 0, {"late": oldest + 1, "gone": oldest}),
        2: ClusterLink(5, oldest, {"gone": oldest}),
        3: ClusterLink(5, oldest - 1, {"gone": oldest}),
    }
    record.trim()
    assert record.links == {1: ClusterLink(5, 0, {"late": oldest + 1}), 2: ClusterLink(5, oldest)}


def test_who_is_forgotten_is_named_nowhere() -> None:
    record = EntityRecord()
    notes = record.contributors[1] = Contributors(DAY_MS)
    for time, user, target in ((1, "ann", ""), (2, "ben", "ann"), (3, "ben", "")):
        notes.note(Contributor(time, f"e{time}", "post", user, target, 0))
    record.links = {1: ClusterLink(5, 9, {"ann": 4, "ben": 4}), 2: ClusterLink(5, 9, {"ben": 4})}
    record.forget("ann")
    assert [one.time for one in notes.notes] == [3]
    assert record.links == {1: ClusterLink(5, 9, {"ben": 4}), 2: ClusterLink(5, 9, {"ben": 4})}


def test_what_is_remembered_outlives_many_bases_and_its_bytes() -> None:
    record = EntityRecord()
    for day in range(0, 1_000, 25):
        now = record.relative(START_MS + day * DAY_MS)
        record.newest = max(record.newest, now)
        memorize(record.series.registers, 1, FIRST, now, True, 30 * DAY_MS)
        if not day:
            memorize(record.series.registers, 2, LAST, now, "DE", 400 * DAY_MS)
        assert recall_first_age(record.series.registers, 1, now, now) == day * DAY_MS
        assert recall_last(record.series.registers, 2, now) == ("DE" if day <= 400 else None)
        record = load_record(dump_record(record))
    assert list(record.series.registers) == [1]


def test_a_record_is_kept_for_as_long_as_it_remembers() -> None:
    record = EntityRecord()
    record.newest = record.relative(START_MS)
    memorize(record.series.registers, 1, LAST, record.newest, "DE", 400 * DAY_MS)
    assert record.trim() == START_MS + 400 * DAY_MS + MAX_LATENESS_MS


def test_an_entity_forgets_a_name_that_it_remembers() -> None:
    record = EntityRecord()
    for at, name in enumerate(("ann", "ben")):
        memorize(record.series.registers, 1, LAST, at, name, DAY_MS)
    record.forget("ben")
    assert [recall_last(record.series.registers, 1, until) for until in (0, 1)] == ["ann", None]
