"""A worker with injected faults: FAULTS names them, separated by commas.

drop_fetch        loses the 2nd and the 5th fetch of events, as a badly timed rebalance does
fail_changelog    the 6th changelog append fails after it may have been written
fail_rocksdb      the 6th local write fails after the changelog has it
no_guard          takes the contiguity guard out, to show what it is for
"""

import os
from typing import Any

from engine.cli import main
from engine.state.store import write_changes
from engine.stream import durability
from engine.stream.batches import BatchConsumer
from engine.stream.durability import Durability


def drop_fetches(*which: int) -> None:
    """Fetches of events vanish."""
    fetch, count = BatchConsumer._wait_next_records, 0

    async def dropping(self: BatchConsumer, timeout: float) -> Any:  # noqa: ASYNC109  # the overridden signature
        nonlocal count
        records, active = await fetch(self, timeout)
        if records and any(tp[0] == self.app.settings.topics.events for tp in records):
            count += 1
            if count in which:
                print("FAULT a fetch was dropped", flush=True)  # noqa: T201  # the test looks for it
                return {}, active
        return records, active

    setattr(BatchConsumer, "_wait_next_records", dropping)  # noqa: B010  # that is the fault


def fail_changelog(on_call: int) -> None:
    """A changelog append raises after the broker has it."""
    append, count = Durability._append_changelog, 0

    async def failing(self: Durability, tp: Any, changes: Any) -> int:
        nonlocal count
        offset = await append(self, tp, changes)
        count += 1
        if count == on_call:
            raise OSError("FAULT the changelog append failed")
        return offset

    setattr(Durability, "_append_changelog", failing)  # noqa: B010  # that is the fault


def fail_rocksdb(on_call: int) -> None:
    """A local write raises; the changelog has the state already."""
    write, count = write_changes, 0

    def failing(*arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == on_call:
            raise OSError("FAULT the local write failed")
        write(*arguments)

    setattr(durability, "write_changes", failing)  # noqa: B010  # that is the fault


def remove_guard() -> None:
    """Take records as they come."""

    async def careless(self: BatchConsumer, tp: Any, records: list[Any], expected: int | None) -> list[Any]:
        if tp in self._next:
            self._next[tp] = records[0].offset
        return records

    setattr(BatchConsumer, "contiguous", careless)  # noqa: B010  # that is the fault


FAULTS = {
    "drop_fetch": lambda: drop_fetches(2, 5),
    "fail_changelog": lambda: fail_changelog(6),
    "fail_rocksdb": lambda: fail_rocksdb(6),
    "no_guard": remove_guard,
}

if __name__ == "__main__":
    for name in os.environ["FAULTS"].split(","):
        FAULTS[name]()
    main()
