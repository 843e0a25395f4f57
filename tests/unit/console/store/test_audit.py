"""The audit log: nobody changes it, and a chain of hashes shows who has."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError

from engine.console.store import audit
from engine.console.store.database import Store
from engine.console.store.own import AUDIT
from tests.console import START_MS


def fill(store: Store) -> None:
    with store.write() as connection:
        for number in range(5):
            audit.note(connection, START_MS + number, "ann", "labelled", f"event:e{number}", {"label": "spam"})


@pytest.mark.parametrize("statement", [delete(AUDIT), update(AUDIT).values(account="bob")])
def test_it_cannot_be_changed(store: Store, statement: object) -> None:
    fill(store)
    with pytest.raises(DatabaseError, match="cannot be changed"), store.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]  # either kind
    with store.read() as connection:
        assert [entry.account for entry in audit.latest(connection, 10)] == ["ann"] * 5


def test_the_chain_tells_of_what_was_changed_all_the_same(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        assert list(audit.find_breaks(connection)) == []
    with store.write() as connection:
        is_sqlite = store.engine.dialect.name == "sqlite"
        connection.execute(text(f"DROP TRIGGER audit_is_kept{'_UPDATE' if is_sqlite else ' ON audit'}"))
        connection.execute(update(AUDIT).where(AUDIT.c.id == 3).values(account="bob"))
    with store.read() as connection:
        assert list(audit.find_breaks(connection)) == [3]


def test_pages_go_back_from_the_newest(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        newest = audit.latest(connection, 2)
        assert [entry.object for entry in newest] == ["event:e4", "event:e3"]
        assert [entry.object for entry in audit.latest(connection, 2, newest[-1].id)] == ["event:e2", "event:e1"]
