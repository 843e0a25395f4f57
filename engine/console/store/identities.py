"""Who of an OpenID provider stands behind an account."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from engine.console.store import accounts
from engine.console.store.own import IDENTITIES
from engine.errors import AccountError


def admit(connection: Connection, name: str, subject: str, role: str | None, now_ms: int) -> bool:
    """Let somebody of the provider in as the account of this name, and tell whether the account is new or has another
    role now. `subject`: who they are there, whatever they are called; an account belongs to the first who comes.
    `role`: what the provider says; where it says one, the account is made or changed. Raises AccountError where they
    may not come in."""
    account = accounts.find_any_account(connection, name)
    if account is None:
        if role is None:
            raise AccountError(
                f"{name!r} has no account here: ask an administrator for one (`floodgate console user add`, `--oidc`)"
            )
        accounts.add_account(connection, name, role, None, now_ms)
    else:
        _check(connection, account, subject)
    if _subject(connection, name) is None:
        connection.execute(insert(IDENTITIES).values(account=name, subject=subject, since_ms=now_ms))
    if account is not None and role is not None and account.role != role:
        accounts.change_account(connection, name, role=role)
        return True
    return account is None


def leave_to_provider(connection: Connection, name: str) -> None:
    """Drop the password of an account, and who came in as it so far: the next of this name at the provider has it, and
    nobody is signed in as it any more. Raises AccountError."""
    accounts.change_account(connection, name, password_hash=None)
    connection.execute(delete(IDENTITIES).where(IDENTITIES.c.account == name))


def _check(connection: Connection, account: Row[Any], subject: str) -> None:
    if not account.is_active:
        raise AccountError(f"the account {account.name!r} is not active: ask an administrator")
    if account.password_hash is not None:
        raise AccountError(
            f"{account.name!r} signs in with a password here; an administrator may leave that to the provider "
            "(`floodgate console user change`, `--oidc`)"
        )
    if _subject(connection, account.name) not in (None, subject):
        raise AccountError(
            f"the account {account.name!r} belongs to somebody else who had this name at the provider; an "
            "administrator may give it to you (`floodgate console user change`, `--oidc`)"
        )


def _subject(connection: Connection, name: str) -> str | None:
    return connection.execute(select(IDENTITIES.c.subject).where(IDENTITIES.c.account == name)).scalar()
