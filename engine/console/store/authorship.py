"""Whose event an id means. Senders choose ids, which are somebody's own alone: others may use them again, before or
after, so that somebody else is taken for who did it."""

from typing import Any

from sqlalchemy import Connection, Row, select, true

from engine.console.store.followed import CASES, DECISIONS, EVENTS
from engine.console.store.offers import GOLDEN_ITEM, SECOND, SENIOR
from engine.console.store.own import FURTHER
from engine.console.store.settling import APPEAL

_REPORT = "report"


def author_of(connection: Connection, event_id: str, kind: str, case: Row[Any] | None) -> str:
    """Who did what somebody looks at; empty where nothing says so. `kind`: what it was claimed for; `case`: what they
    were given, of which the engine knows the user. People report what others did, and appeal for themselves."""
    if kind in (SECOND, SENIOR):
        asked = select(FURTHER.c.user_id).where(FURTHER.c.event_id == event_id, FURTHER.c.kind == kind)
        return connection.execute(asked).scalar() or first_author_of(connection, event_id)
    if case is None or kind == GOLDEN_ITEM or case.source == _REPORT:
        return first_author_of(connection, event_id)
    if case.source != APPEAL or _has_done(connection, case.user_id, event_id):
        return str(case.user_id)
    return first_author_of(connection, event_id)


def first_author_of(connection: Connection, event_id: str) -> str:
    """Who was the first to use an id; empty where nothing says so. A report is somebody else's."""
    for table, condition in ((EVENTS, true()), (DECISIONS, true()), (CASES, CASES.c.source != _REPORT)):
        done_by = select(table.c.user_id).where(table.c.event_id == event_id, condition).order_by(table.c.id).limit(1)
        user_id = connection.execute(done_by).scalar()
        if user_id is not None:
            return str(user_id)
    return ""


def _has_done(connection: Connection, user_id: str, event_id: str) -> bool:
    own = (EVENTS.c.event_id == event_id, EVENTS.c.user_id == user_id)
    return connection.execute(select(EVENTS.c.id).where(*own).limit(1)).first() is not None
