"""What has been read from topics, into the store: rows and positions in one transaction, so that each is there once."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.console.store.followed import (
    ACTIONS,
    CASES,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    HITS,
    LABELS,
    MENTIONS,
    POSITIONS,
    REVOCATIONS,
    RULEBOOKS,
)
from engine.console.store.parts import in_parts
from engine.console.store.settling import settle_cases

Position = tuple[str, int]
_NUMBERED = ((EVENTS, MENTIONS, "event_row"), (DECISIONS, HITS, "decision"))
_PLAIN = (ACTIONS, REVOCATIONS, LABELS, DEAD_LETTERS, RULEBOOKS, CASES)


def record(
    connection: Connection, rows: Mapping[Table, list[dict[str, Any]]], positions: Mapping[Position, int]
) -> None:  # fmt: skip
    """Add rows, and note how far each partition has been read (`positions`: topic and partition to the next offset).
    Rows of mentions and hits name theirs by partition and offset. What is there already stays as it is."""
    for parents, children, column in _NUMBERED:
        _add_numbered(connection, parents, rows.get(parents, []), children, rows.get(children, []), column)
    for table in _PLAIN:
        _add(connection, table, rows.get(table, []))
    judged = {row["event_id"] for table in (LABELS, CASES) for row in rows.get(table, [])}
    judged |= _events_of(connection, [row["action_id"] for row in rows.get(REVOCATIONS, [])])
    settle_cases(connection, judged)
    for (topic, partition), offset in positions.items():
        where = (POSITIONS.c.topic == topic, POSITIONS.c.partition == partition)
        if not connection.execute(update(POSITIONS).where(*where).values(next_offset=offset)).rowcount:
            connection.execute(insert(POSITIONS).values(topic=topic, partition=partition, next_offset=offset))


def read_positions(connection: Connection) -> dict[Position, int]:
    """How far each partition has been read."""
    return {(row.topic, row.partition): row.next_offset for row in connection.execute(select(POSITIONS))}


def _events_of(connection: Connection, action_ids: list[str]) -> set[str]:
    found: set[str] = set()
    for ids in in_parts(action_ids):
        found |= set(connection.execute(select(ACTIONS.c.event_id).where(ACTIONS.c.action_id.in_(ids))).scalars())
    return found


def _add_numbered(
    connection: Connection, parents: Table, rows: list[dict[str, Any]], children: Table,
    child_rows: list[dict[str, Any]], column: str,
) -> None:  # fmt: skip
    """Add rows under numbers of our own, so that others can name them. Only one process follows topics."""
    if not rows:
        return
    number = connection.execute(select(func.max(parents.c.id))).scalar() or 0
    numbers = {}
    for number, row in enumerate(rows, number + 1):  # noqa: B020  # it goes on from the newest
        numbers[row["partition"], row["offset"]] = row["id"] = number
    connection.execute(insert(parents), rows)
    if child_rows:
        for row in child_rows:
            row[column] = numbers[row.pop("partition"), row.pop("offset")]
        connection.execute(insert(children), child_rows)


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
