"""Accounts: passwords, sessions, tokens, and who has to wait."""

import pytest

from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.store.own import SESSIONS, TOKENS
from engine.errors import AccountError
from tests.console import PASSWORD, START_MS, rows_of

IDLE_MS = 3_600_000


def test_a_password_is_that_of_its_account_alone(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann", "viewer", PASSWORD, START_MS)
        accounts.add_account(connection, "bob", "viewer", None, START_MS)
        ann, bob = (accounts.find_account(connection, name) for name in ("ann", "bob"))
    assert accounts.is_password(ann, PASSWORD)
    assert not accounts.is_password(ann, PASSWORD + "r")
    assert not accounts.is_password(bob, PASSWORD), "who has no password signs in elsewhere"
    assert not accounts.is_password(None, PASSWORD)


@pytest.mark.parametrize("name", ["", " ann", "a" * 101, "an\nn"])
def test_a_name_that_would_not_be_seen_as_it_is_is_refused(store: Store, name: str) -> None:
    with store.write() as connection, pytest.raises(AccountError, match="printable"):
        accounts.add_account(connection, name, "viewer", PASSWORD, START_MS)


def test_short_passwords_and_taken_names_are_refused(store: Store) -> None:
    with store.write() as connection:
        with pytest.raises(AccountError, match="at least 12"):
            accounts.add_account(connection, "ann", "viewer", "short", START_MS)
        accounts.add_account(connection, "ann", "viewer", PASSWORD, START_MS)
        with pytest.raises(AccountError, match="already"):
            accounts.add_account(connection, "ann", "viewer", PASSWORD, START_MS)


def test_a_session_ends_when_nobody_is_there_after_a_week_and_with_its_account(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann", "viewer", PASSWORD, START_MS)
        session = accounts.begin_session(connection, "ann", START_MS)

        def is_there(now_ms: int) -> bool:
            return accounts.find_session(connection, session.token, IDLE_MS, now_ms) is not None

        assert is_there(START_MS + IDLE_MS - 1)
        assert not is_there(START_MS + IDLE_MS)
        accounts.touch_session(connection, session.token, START_MS + IDLE_MS)
        assert is_there(START_MS + IDLE_MS)
        accounts.touch_session(connection, session.token, START_MS + accounts.LONGEST_SESSION_MS)
        assert not is_there(START_MS + accounts.LONGEST_SESSION_MS)
        assert is_there(START_MS + accounts.LONGEST_SESSION_MS - 1)
        accounts.change_account(connection, "ann", role="moderator")
        assert not is_there(START_MS + IDLE_MS), "who may do something else signs in anew"


def test_tokens_are_stored_as_hashes_alone(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann", "viewer", PASSWORD, START_MS)
        session = accounts.begin_session(connection, "ann", START_MS)
        token = accounts.add_token(connection, "exporter", "viewer", "ann", START_MS, START_MS + 10)
        assert accounts.find_token(connection, token, START_MS + 9) is not None
        assert accounts.find_token(connection, token, START_MS + 10) is None
        assert accounts.find_token(connection, token + "x", START_MS) is None
    stored = repr(rows_of(store, SESSIONS)) + repr(rows_of(store, TOKENS))
    assert session.token not in stored
    assert token not in stored


def test_nobody_can_name_the_session_that_stands_for_a_proxy(store: Store) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann", "viewer", None, START_MS)
        token = accounts.csrf_token_behind_proxy(connection, "ann", START_MS)
        assert accounts.csrf_token_behind_proxy(connection, "ann", START_MS + 1) == token
        assert accounts.find_session(connection, "proxy:ann", IDLE_MS, START_MS) is None


def test_after_too_many_failures_one_has_to_wait(store: Store) -> None:
    with store.write() as connection:
        for _ in range(accounts.MOST_FAILURES_OF_NAME):
            assert accounts.has_waited_enough(connection, "ann", "10.0.0.1", START_MS)
            accounts.note_failure(connection, "ann", "10.0.0.1", START_MS)
        assert not accounts.has_waited_enough(connection, "ann", "10.0.0.2", START_MS)
        assert accounts.has_waited_enough(connection, "bob", "10.0.0.1", START_MS)
        for number in range(accounts.MOST_FAILURES_OF_ADDRESS):
            accounts.note_failure(connection, f"u{number}", "10.0.0.1", START_MS)
        assert not accounts.has_waited_enough(connection, "bob", "10.0.0.1", START_MS)
        assert accounts.has_waited_enough(connection, "ann", "10.0.0.1", START_MS + accounts.FAILURES_IN_MS)
