"""The audit log: who did what, in a chain of hashes that shows when somebody has tampered with it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select

from engine.console.store.own import AUDIT
from engine.core.values.hashing import digest


def note(
    connection: Connection, now_ms: int, account: str, verb: str, about: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Enter what somebody does, in the transaction in which it is done. `verb`: what, such as label; `about`: on whom
    or what, such as event:e1."""
    last = connection.execute(select(AUDIT.c.chain).order_by(AUDIT.c.id.desc()).limit(1)).scalar()
    document = orjson.dumps(dict(detail or {}), option=orjson.OPT_SORT_KEYS)
    connection.execute(
        insert(AUDIT).values(
            ts=now_ms, account=account, verb=verb, object=about, detail=document,
            chain=_chain(last, now_ms, account, verb, about, document),
        )
    )  # fmt: skip


def latest(connection: Connection, limit: int, before: int | None = None) -> list[Row[Any]]:
    """The newest entries, before the one with the id `before`."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    return list(connection.execute(query if before is None else query.where(AUDIT.c.id < before)))


def find_breaks(connection: Connection) -> Iterator[int]:
    """The ids of entries that do not follow from those before them."""
    last = None
    for row in connection.execute(select(AUDIT).order_by(AUDIT.c.id)):
        if row.chain != _chain(last, row.ts, row.account, row.verb, row.object, row.detail):
            yield row.id
        last = row.chain


def _chain(last: str | None, now_ms: int, account: str, verb: str, about: str, detail: bytes) -> str:
    return digest(last or "", str(now_ms), account, verb, about, detail.decode())
