"""What is too old, or too much, goes: a small part at a time, so that nobody waits."""

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, tuple_

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
from engine.console.store.outgoing import SENT, UNDONE
from engine.console.store.own import BREAKS, CLAIMS, FURTHER, OUTGOING, SKIPS
from engine.settings import RETENTION_DAYS, Settings

AT_ONCE = 2_000
_SETTLED_AT_ONCE = 500
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
    dropped += _drop_settled(connection, settings, now_ms)
    for table in (EVENTS, DECISIONS):
        newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
        dropped += _drop_up_to(connection, table, newest - settings.console.max_rows)
    return dropped


def _drop_settled(connection: Connection, settings: Settings, now_ms: int) -> int:
    """Drop what is only the console's and tells nobody anything any more: it names users, too."""
    known_ms = now_ms - settings.retention_days.get("labels", RETENTION_DAYS["labels"]) * _DAY_MS
    over = (
        (CLAIMS, CLAIMS.c.until_ms < now_ms - _DAY_MS),
        (SKIPS, SKIPS.c.until_ms < now_ms),
        (BREAKS, BREAKS.c.until_ms < now_ms - _DAY_MS),
        (FURTHER, ~FURTHER.c.is_open & (FURTHER.c.asked_ms < known_ms)),
        (OUTGOING, OUTGOING.c.state.in_((SENT, UNDONE)) & (OUTGOING.c.due_ms < known_ms)),
    )
    return sum(_drop(connection, table, condition) for table, condition in over)


def _drop(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    keys = tuple(table.primary_key.columns)
    old = [tuple(row) for row in connection.execute(select(*keys).where(condition).limit(_SETTLED_AT_ONCE))]
    return connection.execute(delete(table).where(tuple_(*keys).in_(old))).rowcount if old else 0


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
