"""What is too old, or too much, goes: a small part at a time, so that nobody waits."""

from sqlalchemy import Connection, Table, delete, func, select

from engine.console.store.followed import (
    ACTIONS,
    CASES,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    HITS,
    LABELS,
    MENTIONS,
    REVOCATIONS,
)
from engine.settings import RETENTION_DAYS, Settings

AT_ONCE = 2_000
_DAY_MS = 86_400_000
_KEPT_AS = (
    (EVENTS, "events"), (DECISIONS, "decisions"), (ACTIONS, "actions"), (REVOCATIONS, "actions"), (LABELS, "labels"),
    (CASES, "review"), (DEAD_LETTERS, "dead_letters"),
)  # fmt: skip
"""Tables, and the topics whose retention is theirs too."""


def drop_some(connection: Connection, settings: Settings, now_ms: int) -> int:
    """Drop rows that are older than their topics keep, and the oldest of too many; returns how many."""
    dropped = 0
    for table, topic in _KEPT_AS:
        days = settings.retention_days.get(topic, RETENTION_DAYS[topic])
        dropped += _drop_before(connection, table, now_ms - days * _DAY_MS)
    for table in (EVENTS, DECISIONS):
        newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
        dropped += _drop_up_to(connection, table, newest - settings.console.max_rows)
    return dropped


def _drop_before(connection: Connection, table: Table, ts: int) -> int:
    (key,) = table.primary_key.columns
    old = list(connection.execute(select(key).where(table.c.ts < ts).order_by(table.c.ts).limit(AT_ONCE)).scalars())
    _drop_children(connection, table, old)
    return connection.execute(delete(table).where(key.in_(old))).rowcount if old else 0


def _drop_up_to(connection: Connection, table: Table, last: int) -> int:
    if last <= 0:
        return 0
    old = list(
        connection.execute(select(table.c.id).where(table.c.id <= last).order_by(table.c.id).limit(AT_ONCE)).scalars()
    )
    _drop_children(connection, table, old)
    return connection.execute(delete(table).where(table.c.id.in_(old))).rowcount if old else 0


def _drop_children(connection: Connection, table: Table, rows: list[int]) -> None:
    if table is EVENTS and rows:
        connection.execute(delete(MENTIONS).where(MENTIONS.c.event_row.in_(rows)))
    if table is DECISIONS and rows:
        connection.execute(delete(HITS).where(HITS.c.decision.in_(rows)))
