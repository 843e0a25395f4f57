"""Timers in a partition's database: in their order, under way or stored."""

from random import Random

import pytest

from engine.state import timers as module
from engine.state.memory import MemoryDatabase
from engine.state.scored import Change
from engine.state.timers import Timers


def made() -> tuple[Timers, MemoryDatabase]:
    database = MemoryDatabase()
    return over(database), database


def over(database: MemoryDatabase) -> Timers:
    return Timers(lambda: database)


def store(timers: Timers, database: MemoryDatabase, changes: list[Change]) -> None:
    database.apply(changes)
    timers.settle(changes)


def test_they_are_taken_in_their_order_whether_stored_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    random = Random(1)
    for _ in range(30):
        timers, database = made()
        waiting, expected, taken = list[Change](), list[int](), list[int]()
        for number in range(60):
            due_ms = 1_000 * number + random.randrange(20_000)
            waiting.append(timers.put(due_ms, number, b"%d" % due_ms))
            expected.append(due_ms)
            for key, value in timers.take(1_000 * number):
                assert int(value) < 1_000 * number
                taken.append(int(value))
                waiting.append(timers.drop(key))
            if random.random() < 0.2:
                store(timers, database, waiting)
                waiting = []
            if not waiting and random.random() < 0.2:  # another worker's now
                timers = over(database)
        taken += [int(value) for _, value in timers.take(1 << 60)]
        assert sorted(taken) == sorted(expected)


def test_what_is_put_twice_is_there_once() -> None:
    timers, database = made()
    timers.put(5, 1, b"a")
    timers.put(5, 1, b"a")
    assert [value for _, value in timers.take(6)] == [b"a"]
    assert database.values == {}


def test_what_is_dropped_is_not_taken() -> None:
    timers, database = made()
    store(timers, database, [timers.put(5, 1, b"a"), timers.put(6, 1, b"b")])
    store(timers, database, [timers.drop(next(iter(database.values)))])
    assert [value for _, value in timers.take(9)] == [b"b"]
    assert timers.next_due_ms() is None
