"""The store as such: transactions, tasks that one process has, and errors that tell no password."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from engine.console.store.database import Store, find_store
from engine.console.store.followed import POSITIONS
from engine.errors import StoreError
from tests.console import settings_of
from tests.postgresql import PostgresqlServer

TASK = 7
ROW = {"topic": "events", "partition": 0, "next_offset": 1}


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(POSITIONS)).scalar() or 0


def test_what_fails_is_not_written(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        connection.execute(insert(POSITIONS).values(ROW))
        raise ZeroDivisionError
    assert count(store) == 0
    with store.write() as connection:
        connection.execute(insert(POSITIONS).values(ROW))
    assert count(store) == 1


def test_what_is_followed_can_be_dropped(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(POSITIONS).values(ROW))
    store.forget_followed()
    assert count(store) == 0


def test_one_of_several_consoles_has_a_task(postgresql: PostgresqlServer) -> None:
    url = postgresql.new_url()
    first, second = Store(url), Store(url)
    with first.only_one(TASK) as is_ours:
        assert is_ours
        with second.only_one(TASK) as is_theirs, second.only_one(TASK + 1) as is_another:
            assert not is_theirs
            assert is_another
    with second.only_one(TASK) as is_theirs:
        assert is_theirs
    first.close()
    second.close()


def test_a_file_has_one_console(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'console.db'}")
    with store.only_one(TASK) as is_ours:
        assert is_ours
    store.close()


@pytest.mark.parametrize("url", ["postgresql+psycopg://ann:secret@127.0.0.1:1/x", "nonsense", "nonsense://x"])
def test_a_store_that_cannot_be_opened_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as error:
        Store(url)
    assert "secret" not in str(error.value)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    assert find_store(settings_of(store=f"sqlite:///{path}")) is None
    assert not path.exists()
