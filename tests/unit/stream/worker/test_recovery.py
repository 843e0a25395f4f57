"""Recovery in bulk, over a fake of Faust's recovery service: what is applied, from where, and when it is over."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine.errors import StateError, WorkerError
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.bounded_records import REFUSED
from engine.stream.worker import recovery
from engine.stream.worker.recovery import BulkRecovery

ACTIVE, STANDBY, FOREIGN = TP("log", 0), TP("log", 1), TP("log", 2)


class Changelog:
    """What Faust keeps, as plain data. `end`: up to where a recovery reads; `written`: what has been applied."""

    def __init__(self, patch: pytest.MonkeyPatch, end: int = 100) -> None:
        self.written: list[tuple[str, int]] = []
        self.asked: list[tuple[TP, int]] = []
        self.ended = self.standbys_ready = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.offsets: dict[TP, int | None] = {ACTIVE: None}
        self.standby_offsets: dict[TP, int | None] = {STANDBY: None}
        store = SimpleNamespace(_db_for_partition=lambda partition: f"db {partition}", offset_key=b"offset")
        table = SimpleNamespace(data=store)
        self.service = SimpleNamespace(
            tp_to_table={ACTIVE: table, STANDBY: table}, active_tps={ACTIVE}, standby_tps={STANDBY}, in_recovery=True,
            active_offsets=self.offsets, standby_offsets=self.standby_offsets, _active_events_received_at={},
            need_recovery=lambda: self.left() > 0, active_remaining_total=self.left,
            active_remaining=lambda: {ACTIVE: self.left()}, flush_buffers=lambda: None,
            standby_remaining_total=lambda: end - (self.standby_offsets[STANDBY] or 0), _set_recovery_ended=self._end,
            signal_recovery_end=asyncio.Event(),
        )  # fmt: skip
        self._limit = end
        tables = SimpleNamespace(recovery=self.service, on_standbys_ready=self._ready)
        app: Any = SimpleNamespace(
            tables=tables, metrics=Metrics(), consumer=SimpleNamespace(contiguous=self._contiguous)
        )
        self.recovery = BulkRecovery(app)
        patch.setattr(recovery, "write_changes", self._write)

    def left(self) -> int:
        return self._limit - (self.offsets[ACTIVE] or 0)

    def take(self, tp: TP, *offsets: int) -> None:
        records = [SimpleNamespace(offset=one, key=b"%d" % one, value=b"", headers=()) for one in offsets]
        asyncio.run(self.recovery.take(tp, records))

    def _end(self) -> None:
        self.ended += 1

    def _ready(self) -> None:
        self.standbys_ready += 1

    def _write(self, database: str, changes: list[tuple[bytes, bytes]], offset_key: bytes, offset: int) -> None:
        assert (offset_key, offset) == (b"offset", int(changes[-1][0]))
        self.written += [(database, int(key)) for key, _ in changes]

    async def _contiguous(self, tp: TP, records: list[Any], begin: int) -> list[Any]:
        self.asked.append((tp, begin))
        self.meanwhile()
        return records if records[0].offset == begin else []


def test_each_change_is_applied_once_from_the_first_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Changelog(monkeypatch)
    log.take(ACTIVE, 0, 1, 2)
    log.take(ACTIVE, 1, 2)
    log.take(ACTIVE, 2, 3, 7)
    log.take(STANDBY, 5)
    log.take(FOREIGN, 0)
    assert log.written == [("db 0", 0), ("db 0", 1), ("db 0", 2), ("db 0", 3), ("db 0", 7), ("db 1", 5)]
    assert (log.offsets, log.standby_offsets, log.recovery.applied) == ({ACTIVE: 7}, {STANDBY: 5}, 6)
    assert log.asked == []  # nothing was dropped: gaps are compaction's


def test_after_a_fetch_that_was_dropped_the_next_one_has_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Changelog(monkeypatch)
    log.take(ACTIVE, 0, 1)
    log.recovery.doubt([ACTIVE])
    log.take(ACTIVE, 4, 5)
    assert log.offsets[ACTIVE] == 1
    log.take(ACTIVE, 2, 3)
    log.take(ACTIVE, 9)
    assert [offset for _, offset in log.written] == [0, 1, 2, 3, 9]
    assert log.asked == [(ACTIVE, 2), (ACTIVE, 2)]
    log.recovery.begin_again()
    log.take(ACTIVE, 10)
    assert log.asked[2:] == [(ACTIVE, 10)]


def test_what_was_revoked_while_its_gap_was_looked_at_is_neither_written_nor_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Changelog(monkeypatch)
    log.take(ACTIVE, 0)
    log.recovery.doubt([ACTIVE])
    log.meanwhile = log.recovery.begin_again
    log.take(ACTIVE, 1)
    assert (log.written, log.offsets[ACTIVE]) == ([("db 0", 0)], 0)
    log.meanwhile = lambda: None
    log.take(ACTIVE, 9)  # it is back; whether it follows is asked again
    assert log.asked == [(ACTIVE, 1), (ACTIVE, 1)]


def test_what_cannot_be_read_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Changelog(monkeypatch)
    refused = SimpleNamespace(offset=0, key=None, value=None, headers=[(REFUSED, b"too large")])
    with pytest.raises(StateError, match="cannot be read"):
        asyncio.run(log.recovery.take(ACTIVE, [refused]))
    assert log.written == []


def test_recovery_is_over_when_nothing_is_left_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Changelog(monkeypatch, end=3)
    log.take(ACTIVE, 0, 2)
    assert (log.ended, log.service.signal_recovery_end.is_set()) == (0, False)
    log.take(ACTIVE, 3)
    assert (log.ended, log.service.signal_recovery_end.is_set()) == (1, True)
    assert log.standbys_ready == 0
    log.service.in_recovery = False
    log.take(STANDBY, 3)
    assert (log.ended, log.standbys_ready) == (1, 1)


@pytest.mark.parametrize(
    ("in_recovery", "tps", "end", "incomplete"),
    [(False, {ACTIVE}, 5, True), (True, {ACTIVE}, 5, False), (False, set(), 5, False), (False, {ACTIVE}, 0, False)],
)
def test_a_recovery_that_ended_too_early_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, in_recovery: bool, tps: set[TP], end: int, incomplete: bool
) -> None:
    log = Changelog(monkeypatch, end)
    log.service.in_recovery, log.service.active_tps = in_recovery, tps
    if incomplete:
        with pytest.raises(WorkerError, match="changes missing"):
            log.recovery.raise_if_incomplete()
    else:
        log.recovery.raise_if_incomplete()


def test_how_far_it_is_is_told_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(recovery, "time", SimpleNamespace(monotonic=lambda: now[0]))
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(recovery, "_log", SimpleNamespace(info=lambda _, **values: told.append(values)))
    log = Changelog(monkeypatch, end=40)
    for now[0], offset in ((0.0, 9), (1.9, 10), (2.0, 20), (3.9, 30)):
        log.take(ACTIVE, *range((log.offsets[ACTIVE] or 0) + 1, offset + 1))
    assert told == [{"records_left": 20, "done": "50%", "bar": "█" * 10}]
