"""What each receiver has been given already, and what was set aside, in a file of SQLite.

Offsets say up to where all is done; the store says of each action whether it is. An action's id is entered when the
receiver has taken it, and before its offset is committed: so one that comes again is known.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

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
