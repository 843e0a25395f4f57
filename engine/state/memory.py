"""A database in memory: for replays, and for tests that need no disk."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any

from engine.state.scored import Change
from engine.state.store import expanded

_FEW = 100
"""So many new keys are put into their places one by one; more are sorted in."""


class MemoryDatabase:
    """The part of RocksDB that a PartitionState reads, over a dictionary."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self._keys, self._new = list[bytes](), list[bytes]()  # those in order, and those that wait to be

    def get(self, key: Any) -> Any:
        """One value, or a list of values for a list of keys."""
        return [self.values.get(item) for item in key] if isinstance(key, list) else self.values.get(key)

    def items(self, *, from_key: Any = None) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in order, from a key on."""
        keys = self._in_order()
        for place in range(bisect_left(keys, from_key or b""), len(keys)):
            yield keys[place], self.values[keys[place]]

    def _in_order(self) -> list[bytes]:
        if len(self._new) <= _FEW:
            for key in self._new:
                insort(self._keys, key)
        else:
            self._keys = sorted(self._keys + self._new)
        self._new.clear()
        return self._keys

    def write(self, write_batch: object) -> None:
        """Changes come through `apply` here."""
        raise TypeError("a memory database is written with apply()")

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply changes in order."""
        for key, value in expanded(changes):
            if value is None:
                if self.values.pop(key, None) is not None:
                    keys = self._in_order()
                    del keys[bisect_left(keys, key)]
                continue
            if key not in self.values:
                self._new.append(key)
            self.values[key] = value
