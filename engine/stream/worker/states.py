"""The states of the partitions that are this worker's: each from when it is assigned until it is revoked.

Whoever waits for something may find a partition revoked after it. A state that would begin to exist again then would be
known as it was in between when the partition comes back. So nobody but the assignment begins one.
"""

from collections.abc import Callable, Iterable

from engine.errors import WorkerError
from engine.settings import Settings
from engine.state.store import Database, PartitionState


class OwnStates:
    """Gives the states of own partitions. `database`: that of a partition, opened where it is not."""

    def __init__(self, database: Callable[[int], Database], settings: Settings) -> None:
        self._database, self._capacity = database, settings.cached_entities
        self._states: dict[int, PartitionState] = {}

    def __call__(self, partition: int) -> PartitionState:
        """A partition's state. Raises WorkerError where the partition is not this worker's."""
        if (state := self._states.get(partition)) is None:
            raise WorkerError(f"the state of partition {partition} is asked for, which is not this worker's")
        return state

    @property
    def partitions(self) -> list[int]:
        """Those that are this worker's now, in their order."""
        return sorted(self._states)

    def begin(self, partitions: Iterable[int]) -> None:
        """They are this worker's from now on: what it knew of them before does not count."""
        self._states |= {partition: self._new(partition) for partition in partitions}

    def end(self, partition: int) -> None:
        """Forget a partition's records: someone else may change them now."""
        self._states.pop(partition, None)

    def _new(self, partition: int) -> PartitionState:
        def database() -> Database:
            if self._states.get(partition) is not state:
                raise WorkerError(f"the state of partition {partition} is used, which was revoked meanwhile")
            return self._database(partition)

        state = PartitionState(database, self._capacity)
        return state
