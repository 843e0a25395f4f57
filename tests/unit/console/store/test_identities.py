"""Who of a provider stands behind an account."""

import pytest

from engine.console.store import accounts, identities
from engine.console.store.database import Store
from engine.console.store.own import ACCOUNTS
from engine.errors import AccountError
from tests.console import PASSWORD, START_MS, rows_of


def test_an_account_belongs_to_the_first_who_comes(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann", "viewer", None, START_MS)
        assert not identities.admit(connection, "ann", "s1", None, START_MS)
        assert not identities.admit(connection, "ann", "s1", None, START_MS)
        with pytest.raises(AccountError, match="somebody else"):
            identities.admit(connection, "ann", "s2", None, START_MS)
        identities.leave_to_provider(connection, "ann")
        assert not identities.admit(connection, "ann", "s2", None, START_MS)


def test_a_role_of_the_provider_makes_and_changes_an_account(store: Store) -> None:
    with store.write() as connection:
        assert identities.admit(connection, "bob", "s1", "moderator", START_MS)
        session = accounts.begin_session(connection, "bob", START_MS)
        assert not identities.admit(connection, "bob", "s1", "moderator", START_MS)
        assert accounts.find_session(connection, session.token, 1_000, START_MS) is not None
        assert identities.admit(connection, "bob", "s1", "viewer", START_MS)
        assert accounts.find_session(connection, session.token, 1_000, START_MS) is None, "with another role: anew"
    (row,) = rows_of(store, ACCOUNTS)
    assert (row["name"], row["role"], row["password_hash"]) == ("bob", "viewer", None)


def test_a_role_opens_no_account_that_is_closed_or_has_a_password(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "root", "administrator", PASSWORD, START_MS)
        accounts.add_account(connection, "eve", "viewer", None, START_MS)
        accounts.change_account(connection, "eve", is_active=False)
        for name, says in (("root", "with a password"), ("eve", "not active")):
            with pytest.raises(AccountError, match=says):
                identities.admit(connection, name, "s1", "administrator", START_MS)
        with pytest.raises(AccountError, match="printable"):
            identities.admit(connection, "ev\u202el", "s1", "viewer", START_MS)
        with pytest.raises(AccountError, match="no account"):
            identities.admit(connection, "bob", "s1", None, START_MS)
