"""What is known of one decision, and of one user or entity: a bounded number of rows of each kind, the newest first."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select

from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, LABELS, MENTIONS, REVOCATIONS
from engine.console.store.own import GOLDEN, NOTES, VERDICTS
from engine.console.store.settling import APPEAL

MOST = 100
"""So many rows of a kind are shown."""

COUNTED_TO = 1_000
"""Beyond so many, rows are not counted: there are more."""

_AT_ONCE = 500
_USES_LOOKED_AT = 500
_KINDS = ("device_id", "ip", "url_domain", "ip_prefix", "target_id", "text")
"""In which a pasted name is looked for."""


class Details(NamedTuple):
    """What belongs to one decision. `event`: None where it is not kept; `actions`: with what has revoked them."""

    decision: Row[Any]
    event: Row[Any] | None
    mentions: list[Row[Any]]
    actions: list[Row[Any]]
    labels: list[Row[Any]]
    verdicts: list[Row[Any]]
    cases: list[Row[Any]]
    notes: list[Row[Any]]
    golden: Row[Any] | None


class History(NamedTuple):
    """What is known of a user or an entity."""

    events: list[Row[Any]]
    decisions: list[Row[Any]]
    actions: list[Row[Any]]
    labels: list[Row[Any]]
    notes: list[Row[Any]]
    event_count: int
    user_count: int


def find_decision(connection: Connection, decision: int) -> Details | None:
    """A decision with all that belongs to it."""
    row = connection.execute(select(DECISIONS).where(DECISIONS.c.id == decision)).first()
    if row is None:
        return None
    event = find_event(connection, row.event_id, row.user_id, row.ts)
    return Details(
        decision=row,
        event=event,
        mentions=_rows(connection, MENTIONS, MENTIONS.c.event_row == event.id, "kind") if event is not None else [],
        actions=_actions(connection, ACTIONS.c.event_id == row.event_id),
        labels=labels_on(connection, row.event_id),
        verdicts=_rows(connection, VERDICTS, VERDICTS.c.event_id == row.event_id),
        cases=_rows(connection, CASES, CASES.c.event_id == row.event_id),
        notes=find_notes(connection, "event", row.event_id),
        golden=connection.execute(select(GOLDEN).where(GOLDEN.c.event_id == row.event_id)).first(),
    )


def find_event(
    connection: Connection, event_id: str, user_id: str = "", ts: int | None = None
) -> Row[Any] | None:  # fmt: skip
    """The event of this id, of this user where one is given: the one of this time, or else the first. Who uses an id
    once more does not hide what they did; of more than some hundred times, the first are looked at."""
    used = select(EVENTS.c.id, EVENTS.c.ts).where(EVENTS.c.event_id == event_id)
    used = used.where(EVENTS.c.user_id == user_id) if user_id else used
    first = used.order_by(EVENTS.c.id).limit(_USES_LOOKED_AT).subquery()
    chosen = select(first.c.id).order_by((first.c.ts == ts).desc(), first.c.id).limit(1)
    return connection.execute(select(EVENTS).where(EVENTS.c.id == chosen.scalar_subquery())).first()


def appeals_on(connection: Connection, event_id: str) -> list[Row[Any]]:
    """What people have said against what was decided of an event, and waits; the newest first."""
    waits = (CASES.c.event_id == event_id) & (CASES.c.source == APPEAL) & CASES.c.is_open
    return _rows(connection, CASES, waits)


def labels_on(connection: Connection, event_id: str) -> list[Row[Any]]:
    """What was said of an event; the newest first."""
    return _rows(connection, LABELS, LABELS.c.event_id == event_id)


def history_of_user(connection: Connection, user_id: str) -> History:
    """What a user did, and what came of it."""
    events = _rows(connection, EVENTS, EVENTS.c.user_id == user_id)
    decisions = _rows(connection, DECISIONS, DECISIONS.c.user_id == user_id)
    return History(
        events=events,
        decisions=decisions,
        actions=_actions(connection, ACTIONS.c.user_id == user_id),
        labels=_labels(connection, [*events, *decisions]),
        notes=find_notes(connection, "user_id", user_id),
        event_count=_count(connection, EVENTS, EVENTS.c.user_id == user_id),
        user_count=1,
    )


def history_of_entity(connection: Connection, kind: str, value: str) -> History:
    """What events said of an entity, and what came of them."""
    is_it = (MENTIONS.c.kind == kind, MENTIONS.c.value == value)
    mentioned = select(MENTIONS.c.event_row).where(*is_it).order_by(MENTIONS.c.ts.desc()).limit(MOST).subquery()
    events = list(
        connection.execute(
            select(EVENTS).where(EVENTS.c.id.in_(select(mentioned.c.event_row))).order_by(EVENTS.c.ts.desc())
        )
    )
    ids = [event.event_id for event in events]
    users = select(MENTIONS.c.user_id).where(*is_it).limit(COUNTED_TO).subquery()
    return History(
        events=events,
        decisions=_rows(connection, DECISIONS, DECISIONS.c.event_id.in_(ids)),
        actions=_actions(connection, ACTIONS.c.event_id.in_(ids)),
        labels=_labels(connection, events),
        notes=find_notes(connection, kind, value),
        event_count=_count(connection, MENTIONS, *is_it),
        user_count=connection.execute(select(func.count(users.c.user_id.distinct()))).scalar() or 0,
    )


def find_notes(connection: Connection, kind: str, value: str) -> list[Row[Any]]:
    """What people have written about something."""
    return _rows(connection, NOTES, (NOTES.c.kind == kind) & (NOTES.c.value == value))


def kinds_of(connection: Connection, value: str) -> list[str]:
    """The kinds of entities that have this value; user_id first, where it is a user."""
    kinds = [
        kind for kind in _KINDS
        if connection.execute(
            select(MENTIONS.c.id).where(MENTIONS.c.kind == kind, MENTIONS.c.value == value).limit(1)
        ).first()
    ]  # fmt: skip
    is_user = connection.execute(select(EVENTS.c.id).where(EVENTS.c.user_id == value).limit(1)).first()
    return ["user_id", *kinds] if is_user else kinds


def entities_of(connection: Connection, user_id: str) -> list[Row[Any]]:
    """The entities that a user's events name, those named most often first: kind, value and times."""
    named = select(MENTIONS).where(MENTIONS.c.user_id == user_id).limit(COUNTED_TO).subquery()
    times = func.count().label("times")
    query = select(named.c.kind, named.c.value, times, func.max(named.c.ts).label("ts"))
    return list(connection.execute(query.group_by(named.c.kind, named.c.value).order_by(times.desc()).limit(MOST)))


def users_of(connection: Connection, kind: str, value: str, limit: int = MOST) -> list[Row[Any]]:
    """The users whose events name an entity: user_id and times, those who do it most often first."""
    named = (
        select(MENTIONS).where(MENTIONS.c.kind == kind, MENTIONS.c.value == value)
        .order_by(MENTIONS.c.ts.desc()).limit(COUNTED_TO).subquery()
    )  # fmt: skip
    times = func.count().label("times")
    query = select(named.c.user_id, times, func.max(named.c.ts).label("ts"))
    return list(connection.execute(query.group_by(named.c.user_id).order_by(times.desc()).limit(limit)))


def _actions(connection: Connection, condition: ColumnElement[bool]) -> list[Row[Any]]:
    query = select(
        ACTIONS,
        REVOCATIONS.c.author.label("revoked_by"),
        REVOCATIONS.c.ts.label("revoked_ms"),
        REVOCATIONS.c.why.label("revoked_why"),
    ).outerjoin(REVOCATIONS, REVOCATIONS.c.action_id == ACTIONS.c.action_id)
    return list(connection.execute(query.where(condition).order_by(ACTIONS.c.ts.desc()).limit(MOST)))


def _labels(connection: Connection, rows: list[Row[Any]]) -> list[Row[Any]]:
    ids = list({row.event_id for row in rows})[:_AT_ONCE]
    return _rows(connection, LABELS, LABELS.c.event_id.in_(ids))


def _rows(
    connection: Connection, table: Table, condition: ColumnElement[bool], order: str = ""
) -> list[Row[Any]]:  # fmt: skip
    by = table.c[order] if order else table.c.ts.desc()
    return list(connection.execute(select(table).where(condition).order_by(by).limit(MOST)))


def _count(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    some = select(table.c.id).where(*conditions).limit(COUNTED_TO).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar() or 0
