"""Order for each target, bounds, and how far a partition is done."""

from engine.delivery.waiting import Line, Waiting


def one(offset: int, user: str, size: int = 2, partition: int = 0) -> Waiting:
    return Waiting(partition, offset, f"a-{offset}", ("user", user), 0, b"x" * size)


def test_a_partition_is_done_up_to_the_first_that_is_not() -> None:
    line = Line(10, 1_000)
    line.start(0, 5)
    assert line.positions() == {0: 5}
    first, second, third = one(5, "anna"), one(6, "ben"), one(8, "anna")
    line.add(first)
    line.add(second)
    line.pass_over(0, 7)
    line.add(third)
    line.done(second)
    assert line.positions() == {0: 5}
    assert line.first(("user", "anna")) is first
    line.done(first)
    assert line.first(("user", "anna")) is third
    assert line.positions() == {0: 8}
    line.done(third)
    assert line.first(("user", "anna")) is None
    assert line.positions() == {0: 9}


def test_a_target_in_two_partitions_has_one_queue() -> None:
    line = Line(10, 1_000)
    line.start(0, 0)
    line.start(1, 0)
    line.add(one(0, "anna"))
    line.add(one(0, "anna", partition=1))
    line.done(one(0, "anna"))
    assert line.positions() == {0: 1, 1: 0}


def test_there_is_no_room_beyond_the_bounds() -> None:
    line = Line(3, 100)
    line.start(0, 0)
    assert line.room == 3
    line.add(one(0, "anna", 10))
    assert line.room == 2
    line.add(one(1, "ben", 90))
    assert line.room == 0
    line.done(one(1, "ben", 90))
    assert line.room == 2
