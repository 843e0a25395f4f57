"""Carries actions out as a platform should: docs/contract.md. It needs kafka-python alone.

    python examples/consumer.py --broker 127.0.0.1:9092 --database actions.db
    python examples/consumer.py --database actions.db --show

Here carrying out is a row in a table, which the platform asks before it lets somebody post. The row and the action's id
are one transaction, and the offset is committed after it: an action that comes again, or is read again after a crash,
changes nothing.
"""

import argparse
import json
import signal
import sqlite3
import sys
import time
from typing import Any

from kafka import KafkaConsumer

REMEMBERED_MS = 30 * 86_400_000
"""As long as the topic keeps messages: what was read before does not come again."""

NO_ACTION = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What reading a message raises that is none: somebody else has written it, and it must not stop the others."""

_TABLE = """
CREATE TABLE IF NOT EXISTS actions (
    action_id TEXT PRIMARY KEY,
    read_ms INTEGER NOT NULL,
    kind TEXT, scope TEXT, target_type TEXT, target_id TEXT,
    from_ms INTEGER NOT NULL DEFAULT 0,  -- nothing is done before
    until_ms INTEGER,                    -- NULL: until it is revoked
    waits INTEGER NOT NULL DEFAULT 0,    -- a person has to agree first
    revoked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_target ON actions (target_type, target_id);
"""
_STANDS = "NOT revoked AND NOT waits AND kind IS NOT NULL AND from_ms <= :now AND (until_ms IS NULL OR until_ms > :now)"


def open_database(path: str) -> sqlite3.Connection:
    """The table of actions in a file."""
    database = sqlite3.connect(path)
    database.executescript(_TABLE)
    return database


def carry_out(database: sqlite3.Connection, value: bytes, published_ms: int, now_ms: int) -> None:
    """Enter one message of the topic. `published_ms`: its record's timestamp, where `for_ms` begins. Raises one of
    NO_ACTION."""
    action: dict[str, Any] = json.loads(value)
    with database:
        if action["kind"] == "revoke":  # also of an action that is not here: should it come, it is revoked
            database.execute(
                "INSERT INTO actions (action_id, read_ms, revoked) VALUES (?, ?, 1) "
                "ON CONFLICT (action_id) DO UPDATE SET revoked = 1, read_ms = excluded.read_ms",
                (_text(action["revokes"]), now_ms),
            )
            return
        if action["kind"] == "add":  # an entry of a list: the engine's own
            return
        lasts_ms, from_ms, target = action.get("for_ms"), action.get("not_before_ms", 0), action["target"]
        database.execute(
            "INSERT INTO actions (action_id, read_ms, kind, scope, target_type, target_id, from_ms, until_ms, "
            "waits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (action_id) DO NOTHING",
            (
                _text(action["action_id"]), now_ms, _text(action["kind"]), _text(action.get("scope", "")),
                _text(target["type"]), _text(target["id"]), from_ms,
                max(published_ms, from_ms) + lasts_ms if lasts_ms is not None else None,
                action.get("needs") == "review",
            ),
        )  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def in_force(database: sqlite3.Connection, target_type: str, target_id: str, now_ms: int) -> set[tuple[str, str]]:
    """What stands against a target now: kinds and scopes. Two actions that say the same stand until both are over."""
    found = database.execute(
        f"SELECT kind, scope FROM actions WHERE target_type = :type AND target_id = :id AND {_STANDS}",
        {"type": target_type, "id": target_id, "now": now_ms},
    )
    return set(found)


def forget(database: sqlite3.Connection, now_ms: int) -> None:
    """Delete what was read long ago and is over."""
    with database:
        database.execute(
            "DELETE FROM actions WHERE read_ms < :before AND (revoked OR until_ms <= :now)",
            {"before": now_ms - REMEMBERED_MS, "now": now_ms},
        )


def consume(consumer: KafkaConsumer, database: sqlite3.Connection) -> None:
    """Carry out what comes, until it is interrupted."""
    while True:
        batches = consumer.poll(timeout_ms=1_000)
        for records in batches.values():
            for record in records:
                try:
                    carry_out(database, record.value or b"", record.timestamp, _now_ms())
                except NO_ACTION as error:
                    print(f"no action at {record.partition}/{record.offset}: {error!r}", file=sys.stderr)
        if batches:
            forget(database, _now_ms())
            consumer.commit()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    """Consume, or show what stands."""
    options = argparse.ArgumentParser(description="Carry actions out, each once.")
    options.add_argument("--broker", default="127.0.0.1:9092")
    options.add_argument("--topic", default="actions")
    options.add_argument("--group", default="enforcement")
    options.add_argument("--database", default="actions.db")
    options.add_argument("--show", action="store_true", help="show what stands, and end")
    given = options.parse_args()
    database = open_database(given.database)
    if given.show:
        columns = "target_type, target_id, kind, scope, until_ms"
        for row in database.execute(f"SELECT {columns} FROM actions WHERE {_STANDS} ORDER BY 2, 3", {"now": _now_ms()}):
            print(json.dumps(row))
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    consumer = KafkaConsumer(
        given.topic, bootstrap_servers=given.broker, group_id=given.group, enable_auto_commit=False,
        auto_offset_reset="earliest",  # who has no offset yet misses nothing
    )  # fmt: skip
    try:
        consume(consumer, database)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
        database.close()


if __name__ == "__main__":
    main()
