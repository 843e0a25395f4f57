"""Breaks from disturbing items: who takes one until when, and who has said that they want none now."""

from sqlalchemy import Connection, insert, select, update

from engine.console.store.own import BREAKS


def begin(connection: Connection, account: str, now_ms: int, until_ms: int) -> None:
    """Somebody takes a break; until now: they want none, and what they saw until now is not counted any more."""
    connection.execute(insert(BREAKS).values(account=account, ts=now_ms, until_ms=until_ms))


def end(connection: Connection, account: str, now_ms: int) -> None:
    """Somebody goes on, before the end of their break."""
    is_on = (BREAKS.c.account == account, BREAKS.c.until_ms > now_ms)
    connection.execute(update(BREAKS).where(*is_on).values(until_ms=now_ms))


def last_until_ms(connection: Connection, account: str) -> int:
    """Until when somebody's last break was or is; 0: they have had none."""
    query = select(BREAKS.c.until_ms).where(BREAKS.c.account == account)
    return connection.execute(query.order_by(BREAKS.c.ts.desc(), BREAKS.c.id.desc()).limit(1)).scalar() or 0
