"""What each receiver has been given already, what was set aside, and what was put off, in a file of SQLite.

Offsets say up to where all is done; the store says of each action whether it is. An action's id is entered when the
receiver has taken it, and before its offset is committed: so one that comes again is known.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.delivery.waiting import Target, Waiting
from engine.errors import StoreError

_TABLES = """
CREATE TABLE IF NOT EXISTS delivered (
    receiver TEXT NOT NULL, action_id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (receiver, action_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivered_by_time ON delivered (at_ms);
CREATE TABLE IF NOT EXISTS set_aside (
    receiver TEXT NOT NULL, action_id TEXT NOT NULL, at_ms INTEGER NOT NULL, published_ms INTEGER NOT NULL,
    why TEXT NOT NULL, action BLOB NOT NULL, PRIMARY KEY (receiver, action_id)
);
CREATE TABLE IF NOT EXISTS put_off (
    place INTEGER PRIMARY KEY, receiver TEXT NOT NULL, target_type TEXT NOT NULL, target_id TEXT NOT NULL,
    "partition" INTEGER NOT NULL, "offset" INTEGER NOT NULL, action_id TEXT NOT NULL, published_ms INTEGER NOT NULL,
    action BLOB NOT NULL, UNIQUE (receiver, "partition", "offset")
);
CREATE INDEX IF NOT EXISTS put_off_by_target ON put_off (receiver, target_type, target_id, place);
"""
_PRUNED_AT_ONCE = 10_000


class SetAside(NamedTuple):
    """An action that a receiver has not taken while it took others."""

    receiver: str
    action_id: str
    at_ms: int
    published_ms: int
    why: str
    action: bytes


class DeliveryStore:
    """The file. Raises StoreError when it cannot be opened."""

    def __init__(self, path: str) -> None:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            # What has been written outlives a killed process; a machine that loses power may repeat its last moments.
            self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"`delivery.store` {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def knows(self, receiver: str, action_id: str) -> bool:
        """Whether the receiver has had this action, or it was set aside."""
        sql = (
            "SELECT 1 FROM delivered WHERE receiver = :r AND action_id = :a "
            "UNION ALL SELECT 1 FROM set_aside WHERE receiver = :r AND action_id = :a LIMIT 1"
        )
        return self._connection.execute(sql, {"r": receiver, "a": action_id}).fetchone() is not None

    def note_delivered(self, receiver: str, action_id: str, at_ms: int) -> None:
        """The receiver has taken it: it is set aside no more."""
        with self._at_once():
            self._connection.execute(
                "INSERT INTO delivered VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
                (receiver, action_id, at_ms),
            )
            self._connection.execute(
                "DELETE FROM set_aside WHERE receiver = ? AND action_id = ?", (receiver, action_id)
            )

    def set_aside(self, one: SetAside) -> None:
        """Keep an action that the receiver does not take."""
        self._connection.execute("INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?, ?, ?, ?)", one)

    def all_set_aside(self, receiver: str | None = None) -> list[SetAside]:
        """What is set aside, the oldest first."""
        sql = "SELECT * FROM set_aside WHERE ? IS NULL OR receiver = ? ORDER BY at_ms, action_id"
        return [SetAside(*row) for row in self._connection.execute(sql, (receiver, receiver))]

    def count_set_aside(self, receiver: str) -> int:
        """How many actions are set aside."""
        found: int = self._connection.execute(
            "SELECT count(*) FROM set_aside WHERE receiver = ?", (receiver,)
        ).fetchone()[0]
        return found

    def put_off(self, receiver: str, one: Waiting) -> bool:
        """Keep an action that waits behind others on its target: its offset may be committed, so it has to outlive the
        machine's power, too. False where it was there."""
        sql = (
            'INSERT OR IGNORE INTO put_off (receiver, target_type, target_id, "partition", "offset", action_id, '
            "published_ms, action) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._connection.execute("PRAGMA synchronous = FULL")
        done = self._connection.execute(
            sql, (receiver, *one.target, one.partition, one.offset, one.action_id, one.published_ms, one.action)
        )
        self._connection.execute("PRAGMA synchronous = NORMAL")
        return done.rowcount > 0

    def first_put_off(self, receiver: str, target: Target) -> Waiting | None:
        """The first one of those on a target."""
        sql = (
            'SELECT "partition", "offset", action_id, published_ms, action FROM put_off '
            "WHERE (receiver, target_type, target_id) = (?, ?, ?) ORDER BY place LIMIT 1"
        )
        row = self._connection.execute(sql, (receiver, *target)).fetchone()
        if row is None:
            return None
        partition, offset, action_id, published_ms, action = row
        return Waiting(partition, offset, action_id, target, published_ms, action)

    def first_offset_put_off(self, receiver: str, target: Target, partition: int) -> int | None:
        """From which offset on a partition's actions on a target were put off; None where none was."""
        sql = 'SELECT min("offset") FROM put_off WHERE (receiver, target_type, target_id, "partition") = (?, ?, ?, ?)'
        found: int | None = self._connection.execute(sql, (receiver, *target, partition)).fetchone()[0]
        return found

    def end_put_off(self, receiver: str, one: Waiting) -> None:
        """It is out."""
        sql = 'DELETE FROM put_off WHERE (receiver, "partition", "offset") = (?, ?, ?)'
        self._connection.execute(sql, (receiver, one.partition, one.offset))

    def count_put_off(self, receiver: str) -> dict[Target, int]:
        """How many there are on each target."""
        sql = "SELECT target_type, target_id, count(*) FROM put_off WHERE receiver = ? GROUP BY target_type, target_id"
        return {(kind, key): count for kind, key, count in self._connection.execute(sql, (receiver,))}

    def prune(self, before_ms: int) -> int:
        """Forget some of what is older; returns how much."""
        sql = "DELETE FROM delivered WHERE (receiver, action_id) IN "
        old = "(SELECT receiver, action_id FROM delivered WHERE at_ms < ? LIMIT ?)"
        gone = self._connection.execute(sql + old, (before_ms, _PRUNED_AT_ONCE)).rowcount
        return gone + self._connection.execute("DELETE FROM set_aside WHERE at_ms < ?", (before_ms,)).rowcount

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
