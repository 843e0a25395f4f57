"""Whose state a partition is, from when it is assigned until it is revoked."""

from typing import Any

import pytest

from engine.errors import WorkerError
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.stream.worker.states import OwnStates


class Opened:
    """Databases, and which were opened."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    def __call__(self, partition: int) -> Any:
        self.partitions.append(partition)
        return MemoryDatabase()


def test_nobody_but_the_assignment_begins_a_state() -> None:
    states = OwnStates(Opened(), Settings())
    with pytest.raises(WorkerError, match="partition 3 is asked for"):
        states(3)
    states.begin([3, 1])
    assert states.partitions == [1, 3]
    assert states(3) is states(3) is not states(1)
    states.end(3)
    states.end(7)
    with pytest.raises(WorkerError, match="partition 3 is asked for"):
        states(3)


def test_a_partition_that_is_back_is_known_anew() -> None:
    opened = Opened()
    states = OwnStates(opened, Settings())
    states.begin([0])
    before = states(0)
    before.load([b"e1"])[b"e1"].offset = 5
    states.end(0)
    states.begin([0])
    assert states(0).load([b"e1"])[b"e1"].offset != 5
    with pytest.raises(WorkerError, match="revoked meanwhile"):
        before.load([b"e2"])  # also while it is this worker's again
    assert opened.partitions == [0, 0]
