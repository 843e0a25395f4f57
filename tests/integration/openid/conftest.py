"""A console to which ann may come, and a provider where she is signed in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.console.store import accounts
from engine.console.store.database import Store
from tests.console import START_MS, open_store
from tests.openid import OpenIDProvider


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Ann has an account, without a password."""
    opened = open_store(tmp_path)
    with opened.write() as connection:
        accounts.add_account(connection, "ann", "moderator", None, START_MS)
    yield opened
    opened.close()


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """Ann is signed in there."""
    with OpenIDProvider() as running:
        yield running
