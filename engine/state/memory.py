"""A database in memory: for replays, and for tests that need no disk."""

from collections.abc import Iterable
from typing import Any

from engine.state.scored import Change
from engine.state.store import expanded


class MemoryDatabase:
    """The part of RocksDB that a PartitionState reads, over a dictionary."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    def get(self, key: Any) -> Any:
        """One value, or a list of values for a list of keys."""
        return [self.values.get(item) for item in key] if isinstance(key, list) else self.values.get(key)

    def write(self, write_batch: object) -> None:
        """Changes come through `apply` here."""
        raise TypeError("a memory database is written with apply()")

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply changes in order."""
        for key, value in expanded(changes):
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
