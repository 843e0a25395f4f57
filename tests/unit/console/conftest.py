"""A store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.console.store import accounts
from engine.console.store.database import Store
from tests.console import CHEAP_HASHER, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one, in a file as in earnest: several threads use it."""
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all that is tested here."""
    monkeypatch.setattr(accounts, "_hasher", CHEAP_HASHER)
