"""A store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from engine.console.store import accounts
from engine.console.store.database import Store
from tests.console import open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one, in a file as in earnest: several threads use it."""
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 is made to be slow; here nobody guesses."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", hasher)
