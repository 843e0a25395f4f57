"""Recovery of the entity table in bulk: raw changelog records straight into RocksDB.

Faust's own path makes an event of each record and swallows exceptions after it has advanced its
offsets (faust/tables/recovery.py, `_slurp_changelogs`). Here a fetch is one atomic write, and an error
ends the worker. When to recover, from where, and when it is done, stays Faust's decision.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import structlog
from faust.types import TP

from engine.errors import StateError, WorkerError
from engine.state.store import write_changes
from engine.stream.kafka.bounded_records import refusal_of
from engine.stream.worker.host import Host

_log = structlog.stdlib.get_logger("floodgate")

_TELL_EVERY_S = 2.0


class BulkRecovery:
    """Applies fetched changelog records and keeps Faust's recovery service informed."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self.applied = 0
        self._trusted: set[TP] = set()
        self._rebalances = 0
        self._read, self._told_at = 0, 0.0

    def doubt(self, partitions: Iterable[TP]) -> None:
        """Fetched records of these partitions were dropped: what comes next may leave something out."""
        self._trusted.difference_update(partitions)

    def begin_again(self) -> None:
        """A rebalance: nothing that was read before it counts."""
        self._trusted.clear()
        self._rebalances += 1
        self._read, self._told_at = 0, time.monotonic()
        self._app.metrics.recovery_left.set(0)

    def raise_if_incomplete(self) -> None:
        """Events must never meet half of a state. Raises WorkerError, which ends the worker."""
        tables: Any = self._app.tables
        service = tables.recovery
        if not service.in_recovery and service.active_tps and service.need_recovery():
            raise WorkerError(f"recovery ended with changes missing: {dict(service.active_remaining())}")

    async def take(self, tp: TP, records: list[Any]) -> None:
        """Apply one fetch of a changelog partition."""
        tables: Any = self._app.tables
        service = tables.recovery
        table = service.tp_to_table.get(tp)
        if table is None:
            return
        if tp in service.active_tps:
            offsets = service.active_offsets
            service._active_events_received_at[tp] = time.monotonic()
        elif tp in service.standby_tps:
            offsets = service.standby_offsets
        else:
            return
        seen = offsets.get(tp)
        new = [record for record in records if seen is None or record.offset > seen]
        if new and seen is not None and tp not in self._trusted:
            # The first fetch after one was dropped: compaction leaves gaps, and so does a lost fetch.
            consumer, rebalances = self._app.consumer, self._rebalances
            new = await consumer.contiguous(tp, new, seen + 1)
            if rebalances != self._rebalances:
                return  # it may be another's by now, and its database is closed
        if any(refusal_of(record) is not None for record in new):
            raise StateError(f"{tp} has a batch that cannot be read: what it has of the state would be missing")
        if new:
            store: Any = table.data
            changes = [(record.key, record.value) for record in new]
            write_changes(store._db_for_partition(tp.partition), changes, store.offset_key, new[-1].offset)
            offsets[tp] = new[-1].offset
            self._trusted.add(tp)
            self.applied += len(new)
            self._app.metrics.recovered.inc(len(new))
            self._tell(service, len(new))
        if service.in_recovery and not service.need_recovery():
            service.flush_buffers()
            service._set_recovery_ended()
            self._app.metrics.recovery_left.set(0)
            service.signal_recovery_end.set()
        if not service.standby_remaining_total():
            tables.on_standbys_ready()
        await asyncio.sleep(0)

    def _tell(self, service: Any, read: int) -> None:
        """Every two seconds, how far a recovery is: in a metric and in the log."""
        self._read += read
        now = time.monotonic()
        if not service.in_recovery or now - self._told_at < _TELL_EVERY_S:
            return
        self._told_at, left = now, service.active_remaining_total()
        self._app.metrics.recovery_left.set(left)
        done = self._read / (self._read + left)
        _log.info("recovering", records_left=left, done=f"{done:.0%}", bar="█" * round(20 * done))
