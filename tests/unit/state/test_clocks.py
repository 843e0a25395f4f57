"""How late it is in a partition, and where events of several meet."""

import pytest

from engine.errors import StateError
from engine.state.clocks import CLOCK, MEETING_CLOCK, EventClock, MeetingClock
from engine.state.memory import MemoryDatabase


def test_the_clock_goes_on_and_is_stored_with_what_is_watched() -> None:
    database = MemoryDatabase()
    clock = EventClock(lambda: database)
    assert clock.watch([3])  # before anything has happened: since ever
    clock.advance(100)
    clock.advance(50)
    assert not clock.watch([3])
    assert clock.watch([4, 3])
    assert not clock.is_watched(4, 999)
    clock.advance(60)
    database.apply([clock.dump()])
    again = EventClock(lambda: database)
    assert again.now_ms == 100
    assert not again.watch([3, 4])
    assert [again.is_watched(3, 1), again.is_watched(4, 99), again.is_watched(4, 100), again.is_watched(5, 999)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert again.watch([])
    assert again.watch([3])
    assert not again.is_watched(3, 99)


def test_where_events_meet_it_is_as_late_as_by_the_partition_that_is_behind() -> None:
    clock = MeetingClock(MemoryDatabase)
    assert [clock.hear(0, 900, 2), clock.hear(0, 950, 2), clock.hear(1, 5, 2)] == [0, 0, 5]
    assert [clock.hear(1, 400, 2), clock.hear(1, 300, 2), clock.hear(1, 1_000, 2), clock.hear(0, 960, 2)] == [
        400, 400, 950, 960,
    ]  # fmt: skip


def test_it_is_as_late_as_was_told_though_some_have_sent_nothing() -> None:
    clock = MeetingClock(MemoryDatabase)
    assert [clock.hear(0, 900, 2), clock.tell(700), clock.tell(600), clock.hear(1, 650, 2)] == [0, 700, 700, 700]
    assert clock.hear(1, 800, 2) == 800


def test_where_events_meet_the_clock_is_stored_where_it_has_changed() -> None:
    database = MemoryDatabase()
    clock = MeetingClock(lambda: database)
    assert not clock.is_changed
    clock.hear(1, 400, 2)
    assert clock.is_changed
    database.apply([clock.dump()])
    clock.hear(1, 300, 2)
    clock.tell(0)
    assert not clock.is_changed
    again = MeetingClock(lambda: database)
    assert (again.now_ms, again.hear(0, 600, 2)) == (0, 400)


@pytest.mark.parametrize(("key", "made"), [(CLOCK, EventClock), (MEETING_CLOCK, MeetingClock)])
def test_a_damaged_clock_is_told(key: bytes, made: type[EventClock | MeetingClock]) -> None:
    database = MemoryDatabase()
    database.apply([(key, b"abc")])
    with pytest.raises(StateError):
        _ = made(lambda: database).now_ms
