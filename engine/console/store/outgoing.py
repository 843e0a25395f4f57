"""What is to go out to topics: entered in the transaction in which somebody decides it, taken back while it waits."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection, insert, update

from engine.console.store.own import OUTGOING

WAITING, SENDING, SENT, UNDONE, FAILED = "waiting", "sending", "sent", "undone", "failed"


def enqueue(connection: Connection, kind: str, payload: Mapping[str, Any], author: str, due_ms: int) -> str:
    """Let something go out once `due_ms` has come; returns its id. `kind`: such as label or revoke, of which the sender
    knows how each goes out."""
    identity = uuid4().hex
    connection.execute(
        insert(OUTGOING).values(
            id=identity, kind=kind, payload=orjson.dumps(dict(payload)), author=author,
            created_ms=int(time.time() * 1000), due_ms=due_ms, state=WAITING,
        )
    )  # fmt: skip
    return identity


def undo(connection: Connection, identity: str) -> bool:
    """Take back what waits. False: it is on its way, or out."""
    waits = (OUTGOING.c.id == identity, OUTGOING.c.state == WAITING)
    return connection.execute(update(OUTGOING).where(*waits).values(state=UNDONE)).rowcount == 1
