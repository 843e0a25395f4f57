"""Timers: which events start one, and when it is certain that nothing came."""

from engine.core.domain.events import LATEST_MS, Event
from engine.core.domain.programs import Absence
from engine.core.evaluation.absences import MAX_TIMERS, Timer, has_lapsed, timers_of
from engine.core.series.counts import add_count, doubt_count
from engine.core.state.entities import EntityRecord

START_MS, HOUR_MS = 1_760_000_000_000, 3_600_000
AFTER, NONE = 1, 2
ABSENCE = Absence("@absent.x", HOUR_MS, AFTER, NONE, ("text", "nested"))


def enter(record: EntityRecord, key: int, ts_ms: int, cap: int = MAX_TIMERS + 1) -> None:
    add_count(record.series.counts, key, record.relative(ts_ms), cap, 2 * HOUR_MS)


def started(record: EntityRecord, ts_ms: int = START_MS, **fields: object) -> list[Timer]:
    enter(record, AFTER, ts_ms)
    event = Event(f"e{ts_ms}", "install", "ann", ts_ms, dict(fields), content=7)
    return timers_of([ABSENCE], event, record, 3, [])


def test_an_event_starts_a_timer_that_has_what_its_follow_up_needs() -> None:
    (timer,) = started(EntityRecord(), text="x" * 5_000, nested={"a": 1}, other=1)
    assert (timer.after_ms, timer.series, timer.follow_up.ts_ms) == (START_MS, NONE, START_MS + HOUR_MS)
    assert timer.follow_up.fields == {"text": "x" * 1_024, "nested": {}}  # that it is there, and cannot be read
    assert (timer.follow_up.type, timer.follow_up.user_partition, timer.follow_up.content) == ("@absent.x", 3, 7)


def test_so_many_run_at_a_time() -> None:
    record = EntityRecord()
    found = [started(record, START_MS - number) for number in range(MAX_TIMERS + 10)]  # the later, the earlier
    assert sum(map(len, found)) == MAX_TIMERS
    assert len(started(record, START_MS + 2 * HOUR_MS)) == 1


def test_none_ends_after_all_time() -> None:
    assert started(EntityRecord(), LATEST_MS - 1) == []


def test_it_has_lapsed_where_certainly_nothing_came() -> None:
    for came_ms, expected in ((0, True), (1, False), (HOUR_MS, False), (HOUR_MS + 1, True)):
        record = EntityRecord()
        (timer,) = started(record)
        enter(record, NONE, START_MS + came_ms)
        assert has_lapsed(timer, ABSENCE, record) is expected, came_ms


def test_it_lapses_once() -> None:
    record = EntityRecord()
    (timer,) = started(record)
    assert [has_lapsed(timer, ABSENCE, record) for _ in range(2)] == [True, False]


def test_what_is_not_certain_does_not_lapse() -> None:
    record = EntityRecord()
    (timer,) = started(record)
    doubt_count(record.series.counts, NONE, record.relative(START_MS + 5), 2 * HOUR_MS)
    assert not has_lapsed(timer, ABSENCE, record)
    assert not has_lapsed(timer, ABSENCE, EntityRecord())  # forgotten since
    assert not has_lapsed(timer, None, record)
    assert not has_lapsed(timer, ABSENCE._replace(none_key=9), record)
