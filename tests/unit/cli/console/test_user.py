"""`floodgate console user`: who signs in with a password, and who elsewhere."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli.console.user import command
from engine.console.store import accounts, identities
from engine.console.store.database import open_store
from engine.console.store.own import ACCOUNTS, AUDIT
from engine.settings import Settings
from tests.console import PASSWORD, START_MS, rows_of, settings_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """With a store of their own."""
    (tmp_path / "password").write_text(PASSWORD)
    return settings_of(store=f"sqlite:///{tmp_path / 'console.db'}")


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, obj=settings)


def test_who_signs_in_at_a_provider_has_no_password(settings: Settings) -> None:
    assert run(settings, "add", "ann", "--role", "moderator", "--oidc").exit_code == 0
    store = open_store(settings)
    (row,) = rows_of(store, ACCOUNTS)
    store.close()
    assert (row["name"], row["password_hash"]) == ("ann", None)


def test_an_account_is_left_to_the_provider(settings: Settings, tmp_path: Path) -> None:
    run(settings, "add", "ann", "--role", "viewer", "--password-file", str(tmp_path / "password"))
    changed = run(settings, "change", "ann", "--role", "senior", "--oidc")
    assert changed.exit_code == 0, changed.output
    store = open_store(settings)
    with store.write() as connection:
        assert not identities.admit(connection, "ann", "s1", None, START_MS)
    (row,), entries = rows_of(store, ACCOUNTS), rows_of(store, AUDIT)
    store.close()
    assert (row["role"], row["password_hash"]) == ("senior", None)
    assert b'"signs_in_by":"oidc"' in entries[-1]["detail"]


def test_a_token_that_somebody_has_lost_is_taken_away(settings: Settings) -> None:
    tokens = [run(settings, "token", name, "--role", "viewer").output.split()[-1] for name in ("export", "other")]
    assert run(settings, "revoke-token", "export").exit_code == 0
    store = open_store(settings)
    with store.read() as connection:
        counts = [accounts.find_token(connection, token, START_MS) is not None for token in tokens]
    assert rows_of(store, AUDIT)[-1]["verb"] == "revoked tokens"
    store.close()
    assert counts == [False, True]
    assert run(settings, "revoke-token", "export").exit_code == 1


def test_one_says_what_is_to_change(settings: Settings) -> None:
    refused = run(settings, "change", "ann")
    assert (refused.exit_code, "--oidc" in refused.output) == (2, True)
    assert run(settings, "change", "nobody", "--oidc").exit_code == 1
