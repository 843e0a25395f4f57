"""One partition's state: decoded records in a hot cache, RocksDB behind it.

In memory the records are always the newest; RocksDB follows when a batch's changes are durable in the
changelog. So a record with writes under way is never evicted: the database does not have it yet.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from rocksdict import WriteBatch

from engine.core.entities import EntityRecord, dump_record, load_record

ENTITY = b"e"
"""Key prefix of entity records: e + user id."""
SCORED = b"s"
"""Key prefix of features as scored: s + event id."""

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes it."""


class Database(Protocol):
    """The part of rocksdict's Rdict (raw mode) that is used here."""

    def get(self, key: Any) -> Any:
        """One value, or a list of values for a list of keys; None where there is none."""

    def write(self, write_batch: WriteBatch) -> None:
        """Apply a batch atomically."""


class PartitionState:
    """The entities of one partition.

    `database` is asked for the handle at each use and never kept: Faust closes a database by letting
    go of it (faust/stores/rocksdb.py, revoke_partitions).
    """

    def __init__(self, database: Callable[[], Database], capacity: int) -> None:
        self._database = database
        self._capacity = capacity
        self._records: dict[str, EntityRecord] = {}  # least recently used first
        self._scored_pending: dict[str, tuple[bytes | None, int]] = {}
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._records)

    def load(self, user_ids: Iterable[str]) -> dict[str, EntityRecord]:
        """The records of these users, new ones included, with at most one read of the database."""
        cache, found, missing = self._records, {}, []
        for user_id in user_ids:
            record = cache.pop(user_id, None)
            if record is None:
                missing.append(user_id)
            else:
                cache[user_id] = found[user_id] = record
        self.hits += len(found)
        self.misses += len(missing)
        if missing:
            stored = self._database().get([ENTITY + user_id.encode() for user_id in missing])
            for user_id, data in zip(missing, stored, strict=True):
                cache[user_id] = found[user_id] = load_record(data) if data is not None else EntityRecord()
        return found

    def dump(self, records: dict[str, EntityRecord]) -> list[Change]:
        """The changed records as bytes; they stay in memory until `settle`."""
        changes: list[Change] = []
        for user_id, record in records.items():
            record.pending_writes += 1
            changes.append((ENTITY + user_id.encode(), dump_record(record)))
        return changes

    def settle(self, records: dict[str, EntityRecord], scored: Iterable[str]) -> None:
        """These records and features are in RocksDB now: memory may be given up."""
        for record in records.values():
            record.pending_writes -= 1
        for event_id in scored:
            value, pending = self._scored_pending[event_id]
            if pending == 1:
                del self._scored_pending[event_id]
            else:
                self._scored_pending[event_id] = (value, pending - 1)
        self._evict()

    def put_scored(self, event_id: str, value: bytes) -> Change:
        """Keep an event's features as scored; the caller makes the change durable, then settles it."""
        _, pending = self._scored_pending.get(event_id, (None, 0))
        self._scored_pending[event_id] = (value, pending + 1)
        return SCORED + event_id.encode(), value

    def get_scored(self, event_id: str) -> bytes | None:
        """The features of an event as they were scored, or None."""
        if event_id in self._scored_pending:
            return self._scored_pending[event_id][0]
        found: bytes | None = self._database().get(SCORED + event_id.encode())
        return found

    def _evict(self) -> None:
        excess = len(self._records) - self._capacity
        if excess <= 0:
            return
        for user_id in [user_id for user_id, record in self._records.items() if not record.pending_writes][:excess]:
            del self._records[user_id]


def write_changes(database: Database, changes: Iterable[Change], offset_key: bytes, changelog_offset: int) -> None:
    """Apply changes and the changelog offset up to which they reach, atomically."""
    batch = WriteBatch(raw_mode=True)
    for key, value in changes:
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    batch.put(offset_key, b"%d" % changelog_offset)
    database.write(batch)
