"""The store: an SQLAlchemy engine with its tables, read and written in transactions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.console.store import followed, own  # noqa: F401  # own: its tables are among METADATA
from engine.console.store.metadata import METADATA
from engine.errors import StoreError
from engine.settings import Settings

_SQLITE = "sqlite:///"
_BUSY_TIMEOUT_MS = 10_000
_CACHE_KIB = 32_768

_WRITING = 0x57524954
"""Names the right to write, to PostgreSQL."""

_KEEP_AUDIT_SQLITE = (
    "CREATE TRIGGER IF NOT EXISTS audit_is_kept_{verb} BEFORE {verb} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log cannot be changed'); END"
)
_KEEP_AUDIT_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_is_kept() RETURNS trigger AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log cannot be changed'; END $$ LANGUAGE plpgsql",
    "CREATE OR REPLACE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit EXECUTE FUNCTION audit_is_kept()",
)


class Store:
    """Opens a store by URL, such as sqlite:///console.db or postgresql+psycopg://…, and makes its tables where they are
    missing. Raises StoreError where it cannot be reached. Threads may share it."""

    def __init__(self, url: str) -> None:
        self._writing = (
            threading.Lock()
        )  # SQLite lets whoever waits look now and then: of many, some never find it free
        try:
            self.engine = _make_engine(url)
            with self.write() as connection:
                METADATA.create_all(connection)
                _keep_audit(connection)
        except (ArgumentError, ImportError) as error:
            known = "it is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
            raise StoreError(f"the store {_without_password(url)} cannot be opened: {known} ({error})") from error
        except SQLAlchemyError as error:
            raise StoreError(f"the store {_without_password(url)} cannot be opened: {error}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at its end, or not at all. One at a time writes, on each kind of database: so
        nobody decides by what somebody else is changing."""
        with (
            self._writing,
            self.engine.connect().execution_options(floodgate_writes=True) as connection,
            connection.begin(),
        ):
            if self.engine.dialect.name == "postgresql":  # SQLite's lock is taken in `_begin_sqlite`
                connection.execute(select(func.pg_advisory_xact_lock(_WRITING)))
            yield connection

    @contextmanager
    def only_one(self, task: int) -> Iterator[bool]:
        """Whether this process may do a task, of all that share the store, as long as the context lasts. A store of
        SQLite is one process's."""
        if self.engine.dialect.name != "postgresql":
            yield True
            return
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            is_ours = bool(connection.execute(select(func.pg_try_advisory_lock(task))).scalar())
            try:
                yield is_ours
            finally:
                if is_ours:
                    connection.execute(select(func.pg_advisory_unlock(task)))

    def forget_followed(self) -> None:
        """Drop all that topics can tell again. What is only the console's stays."""
        with self.write() as connection:
            METADATA.drop_all(connection, tables=list(followed.FOLLOWED))
            METADATA.create_all(connection)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(settings: Settings) -> Store:
    """The store that the settings name; SQLite's directory is made. Raises StoreError."""
    url = settings.console.store
    if url.startswith(_SQLITE) and url != _SQLITE:
        Path(url.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    return Store(url)


def find_store(settings: Settings) -> Store | None:
    """The store that the settings name, if there is one: a file that is not there is not made. Raises StoreError."""
    url = settings.console.store
    if url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists():
        return None
    return Store(url)


def _make_engine(url: str) -> Engine:
    engine = create_engine(url, hide_parameters=True)  # they are about people: no log has them
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says so, in `_begin_sqlite`
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")  # with WAL, only a crash of the machine loses some
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Whoever writes takes the lock at once: else two that have read would both wait for the other."""
    writes = connection.get_execution_options().get("floodgate_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _keep_audit(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.execute(text(_KEEP_AUDIT_SQLITE.format(verb=verb)))
    elif connection.dialect.name == "postgresql":
        for statement in _KEEP_AUDIT_POSTGRESQL:
            connection.execute(text(statement))


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
