"""Searches that people have saved, each for themselves."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from engine.console.store.own import SAVED_SEARCHES
from engine.errors import RequestError

MOST = 50


def of(connection: Connection, account: str) -> list[Row[Any]]:
    """Those of a person, by name."""
    mine = select(SAVED_SEARCHES).where(SAVED_SEARCHES.c.account == account)
    return list(connection.execute(mine.order_by(SAVED_SEARCHES.c.name).limit(MOST)))


def save(connection: Connection, account: str, name: str, query: str) -> None:
    """Save one, in place of another one of this name. Raises RequestError where there are too many."""
    drop(connection, account, name)
    if len(of(connection, account)) >= MOST:
        raise RequestError(f"one may save {MOST} searches: drop one first")
    connection.execute(insert(SAVED_SEARCHES).values(account=account, name=name, query=query))


def drop(connection: Connection, account: str, name: str) -> None:
    """Drop one, if it is there."""
    is_it = (SAVED_SEARCHES.c.account == account, SAVED_SEARCHES.c.name == name)
    connection.execute(delete(SAVED_SEARCHES).where(*is_it))
