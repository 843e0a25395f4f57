"""What is to go out to topics: entered in the transaction in which somebody decides it, taken back while it waits."""

import time
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from engine.console.store.own import OUTGOING
from engine.console.store.parts import in_parts

WAITING, SENDING, SENT, UNDONE, FAILED = "waiting", "sending", "sent", "undone", "failed"
_MAX_ERROR_CHARS = 1_000
_COUNTED_TO = 1_000


class Outgoing(NamedTuple):
    """What goes out. `payload`: as its kind has it."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    author: str
    created_ms: int


def enqueue(connection: Connection, kind: str, payload: Mapping[str, Any], author: str, due_ms: int) -> str:
    """Let something go out once `due_ms` has come; returns its id. `kind`: such as label or revoke, of which
    `outgoing.publishing` knows how each goes out."""
    identity = uuid4().hex
    connection.execute(
        insert(OUTGOING).values(
            id=identity,
            kind=kind,
            payload=orjson.dumps(dict(payload)),
            author=author,
            created_ms=int(time.time() * 1000),
            due_ms=due_ms,
            state=WAITING,
        )
    )
    return identity


def undo(connection: Connection, identity: str) -> bool:
    """Take back what waits, or could never go out. False: it is on its way, or out."""
    waits = (OUTGOING.c.id == identity, OUTGOING.c.state.in_((WAITING, FAILED)))
    return connection.execute(update(OUTGOING).where(*waits).values(state=UNDONE)).rowcount == 1


def take_due(connection: Connection, now_ms: int, lease_until_ms: int, limit: int) -> list[Outgoing]:
    """Take what is due to send it, in the order in which it was decided; until the lease is over nobody else does."""
    return _take(connection, WAITING, now_ms, lease_until_ms, limit)


def take_abandoned(connection: Connection, now_ms: int, lease_until_ms: int, limit: int) -> list[Outgoing]:
    """Take what somebody has taken and not sent while they had it: whether it is out has to be found out."""
    return _take(connection, SENDING, now_ms, lease_until_ms, limit)


def mark_sent(connection: Connection, identities: Collection[str], now_ms: int) -> None:
    """The brokers have these."""
    _set(connection, identities, state=SENT, sent_ms=now_ms, error=None)


def put_back(connection: Connection, identities: Collection[str], now_ms: int) -> None:
    """These are not out: they are due again."""
    _set(connection, identities, state=WAITING, due_ms=now_ms)


def retry(connection: Connection, identity: str, now_ms: int) -> bool:
    """Let what could never go out go out once more. False: it has not failed, and may be out already, or undone."""
    has_failed = (OUTGOING.c.id == identity, OUTGOING.c.state == FAILED)
    again = update(OUTGOING).where(*has_failed).values(state=WAITING, due_ms=now_ms)
    return connection.execute(again).rowcount == 1


def mark_failed(connection: Connection, identities: Collection[str], error: str) -> None:
    """These can never go out."""
    _set(connection, identities, state=FAILED, error=error[:_MAX_ERROR_CHARS])


def failed(connection: Connection, limit: int) -> list[Row[Any]]:
    """What could never go out, the newest first."""
    query = select(OUTGOING).where(OUTGOING.c.state == FAILED)
    return list(connection.execute(query.order_by(OUTGOING.c.due_ms.desc()).limit(limit)))


def count_in(connection: Connection, state: str) -> int:
    """How many are in a state; at most 1,000 are counted."""
    some = select(OUTGOING.c.id).where(OUTGOING.c.state == state).limit(_COUNTED_TO).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar() or 0


def _take(connection: Connection, state: str, now_ms: int, lease_until_ms: int, limit: int) -> list[Outgoing]:
    query = (
        select(OUTGOING)
        .where(OUTGOING.c.state == state, OUTGOING.c.due_ms <= now_ms)
        .order_by(OUTGOING.c.due_ms, OUTGOING.c.created_ms)
        .limit(limit)
    )
    rows = list(connection.execute(query))
    _set(connection, [row.id for row in rows], state=SENDING, due_ms=lease_until_ms, attempts=OUTGOING.c.attempts + 1)
    return [Outgoing(row.id, row.kind, orjson.loads(row.payload), row.author, row.created_ms) for row in rows]


def _set(connection: Connection, identities: Collection[str], **values: Any) -> None:
    for ids in in_parts(list(identities)):
        connection.execute(update(OUTGOING).where(OUTGOING.c.id.in_(ids)).values(**values))
