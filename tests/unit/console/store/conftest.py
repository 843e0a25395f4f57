"""The same tests on each kind of database."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.console.store.database import Store
from tests.console import open_store
from tests.postgresql import PostgresqlMissingError, PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A server. Skips, and says so in the summary, where there is none."""
    try:
        server = PostgresqlServer()
    except PostgresqlMissingError as error:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"NOT TESTED ON POSTGRESQL: {error}", stacklevel=1)
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    opened = open_store(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgresql").new_store()
    yield opened
    opened.close()
