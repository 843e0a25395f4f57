"""A worker with injected faults: FAULTS names them, separated by commas.

drop_last         loses whatever it fetches first, once
drop_fetch        loses the 2nd and the 5th fetch of events, as a badly timed rebalance does
drop_again        loses the fetches with one and the same event twice: what is read again is lost again
fail_changelog    the 6th changelog append fails after it may have been written
fail_rocksdb      the 6th local write fails after the changelog has it
stand_still       stops itself (SIGSTOP) with the 6th changelog append in its hand, until it is told to go on
stand_with_model  stops itself like that with the 6th batch of a model in its hand
clock_ahead       its clock is a day ahead
clock_behind      its clock is a day behind
renew_late        stands still like that before it takes a newer epoch, as it does once a day
fail_visit        no event can be counted at the address 192.0.2.66
no_fence          writes without a fence, to show what it is for
no_guard          takes the contiguity guard out, to show what it is for
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from engine.cli import main
from engine.state.store import write_changes
from engine.stream.handlers.visits import Visits
from engine.stream.worker import fencing, persistence
from engine.stream.worker.consumer import BatchConsumer
from engine.stream.worker.fencing import Writer
from engine.stream.worker.persistence import Durability


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
                kept = {tp: found for tp, found in records.items() if tp[0] != self.app.settings.topics.events}
                return kept, active  # what is recovered beside is not touched: such drops are known (`doubt`)
        return records, active

    setattr(BatchConsumer, "_wait_next_records", dropping)  # noqa: B010  # that is the fault


def drop_again(offset: int, times: int) -> None:
    """Fetches of an event vanish."""
    fetch, dropped = BatchConsumer._wait_next_records, 0

    async def dropping(self: BatchConsumer, timeout: float) -> Any:  # noqa: ASYNC109  # the overridden signature
        nonlocal dropped
        records, active = await fetch(self, timeout)
        for tp, found in list(records.items()) if records else []:
            hit = tp[0] == self.app.settings.topics.events and tp[1] == 0
            if hit and dropped < times and found[0].offset <= offset <= found[-1].offset:
                dropped += 1
                print("FAULT a fetch was dropped", flush=True)  # noqa: T201  # the test looks for it
                records = {other: kept for other, kept in (records or {}).items() if other != tp}
        return records, active

    setattr(BatchConsumer, "_wait_next_records", dropping)  # noqa: B010  # that is the fault


def fail_changelog(on_call: int) -> None:
    """A changelog append raises after the broker has it."""
    acknowledged, count = Durability._acknowledged, 0

    async def failing(self: Durability, appended: Any) -> int:
        nonlocal count
        offset = await acknowledged(self, appended)
        count += 1
        if count == on_call:
            raise OSError("FAULT the changelog append failed")
        return offset

    setattr(Durability, "_acknowledged", failing)  # noqa: B010  # that is the fault


def fail_rocksdb(on_call: int) -> None:
    """A local write raises; the changelog has the state already."""
    write, count = write_changes, 0

    def failing(*arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == on_call:
            raise OSError("FAULT the local write failed")
        write(*arguments)

    setattr(persistence, "write_changes", failing)  # noqa: B010  # that is the fault


def stand_still(on_call: int) -> None:
    """The whole process stands still between its last look and its write."""
    begin, count = Writer.begin, 0

    async def standing(self: Writer, batch: Any) -> Any:
        nonlocal count
        count += self._tp.topic.endswith("changelog")
        if count == on_call:
            count += 1
            print("FAULT standing still", flush=True)  # noqa: T201  # the test looks for it
            os.kill(os.getpid(), signal.SIGSTOP)
        return await begin(self, batch)

    setattr(Writer, "begin", standing)  # noqa: B010  # that is the fault


def stand_with_model(on_call: int) -> None:
    """The whole process stands still with something that it has learned."""
    begin, count = Writer.begin, 0

    async def standing(self: Writer, batch: Any) -> Any:
        nonlocal count
        count += self._tp.topic.startswith("models")
        if count == on_call:
            count += 1
            print("FAULT standing still", flush=True)  # noqa: T201  # the test looks for it
            os.kill(os.getpid(), signal.SIGSTOP)
        return await begin(self, batch)

    setattr(Writer, "begin", standing)  # noqa: B010  # that is the fault


def set_clock(by_s: int) -> None:
    """The wall clock is wrong; the monotonic one never is."""
    now = time.time
    time.time = lambda: now() + by_s


def renew_late() -> None:
    """The process stands still just before its daily renewal."""
    is_old, count = Writer.is_old, 0

    def old(self: Writer) -> bool:
        nonlocal count
        count += 1
        if count != 6:
            return is_old(self)
        print("FAULT standing still", flush=True)  # noqa: T201  # the test looks for it
        os.kill(os.getpid(), signal.SIGSTOP)
        return True

    setattr(Writer, "is_old", old)  # noqa: B010  # that is the fault


def remove_fence() -> None:
    """Whoever writes last is right."""

    def unfenced(transactional_id: str | None = None, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(enable_idempotence=transactional_id is not None, **options)

    setattr(fencing, "AIOKafkaProducer", unfenced)  # noqa: B010  # that is the fault


def fail_visit(address: str) -> None:
    """A mistake of ours that shows at one entity alone."""
    visit = Visits.visit

    def failing(self: Visits, outcome: Any, routed: Any, entity_key: Any, *more: Any) -> Any:
        found = visit(self, outcome, routed, entity_key, *more)
        if entity_key == ("ip", address):
            raise OSError("FAULT the visit failed")
        return found

    setattr(Visits, "visit", failing)  # noqa: B010  # that is the fault


def remove_guard() -> None:
    """Take records as they come."""

    async def careless(self: BatchConsumer, tp: Any, records: list[Any], expected: int | None) -> list[Any]:
        if tp in self._next:
            self._next[tp] = records[0].offset
        return records

    setattr(BatchConsumer, "contiguous", careless)  # noqa: B010  # that is the fault


FAULTS: dict[str, Callable[[], None]] = {
    "drop_last": lambda: drop_fetches(1),
    "drop_fetch": lambda: drop_fetches(2, 5),
    "drop_again": lambda: drop_again(offset=100, times=2),
    "fail_changelog": lambda: fail_changelog(6),
    "fail_rocksdb": lambda: fail_rocksdb(6),
    "stand_still": lambda: stand_still(4 + 6),
    "stand_with_model": lambda: stand_with_model(6),
    "clock_ahead": lambda: set_clock(86_400),
    "clock_behind": lambda: set_clock(-86_400),
    "renew_late": renew_late,
    "no_fence": remove_fence,
    "no_guard": remove_guard,
    "fail_visit": lambda: fail_visit("192.0.2.66"),
}

if __name__ == "__main__":
    for name in os.environ["FAULTS"].split(","):
        FAULTS[name]()
    main()
