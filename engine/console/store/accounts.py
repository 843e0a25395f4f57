"""Accounts, sessions, API tokens, and how often somebody has failed to sign in."""

import secrets
from hashlib import sha256
from typing import Any, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.console.store.own import ACCOUNTS, LOGIN_FAILURES, SESSIONS, TOKENS
from engine.errors import AccountError

MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 1_000
LONGEST_SESSION_MS = 7 * 86_400_000
FAILURES_IN_MS = 15 * 60_000
MOST_FAILURES_OF_NAME = 5
MOST_FAILURES_OF_ADDRESS = 30
_MAX_NAME_CHARS = 100

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))
"""What a password is compared with where there is no such account: an attempt takes as long."""


class Session(NamedTuple):
    """`token`: for the cookie; of it only a hash is stored."""

    token: str
    csrf_token: str


def add_account(connection: Connection, name: str, role: str, password: str | None, now_ms: int) -> None:
    """Add an account. Raises AccountError where the name is taken, or name or password will not do."""
    if not 0 < len(name) <= _MAX_NAME_CHARS or not name.isprintable() or name != name.strip():
        raise AccountError(f"an account's name has 1 to {_MAX_NAME_CHARS} printable characters and no blanks around it")
    if connection.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.name == name)).first() is not None:
        raise AccountError(f"there is an account {name!r} already")
    connection.execute(
        insert(ACCOUNTS).values(
            name=name, role=role, password_hash=_hash(password) if password is not None else None, is_active=True,
            created_ms=now_ms,
        )
    )  # fmt: skip


def change_password(connection: Connection, name: str, password: str) -> None:
    """Set a password, and end all sessions of the account. Raises AccountError."""
    changed = connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password_hash=_hash(password)))
    if not changed.rowcount:
        raise AccountError(f"there is no account {name!r}")
    end_sessions(connection, name)


def change_account(connection: Connection, name: str, **values: Any) -> None:
    """Set role, is_active, areas or languages, and end all sessions of the account. Raises AccountError."""
    if not connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(**values)).rowcount:
        raise AccountError(f"there is no account {name!r}")
    end_sessions(connection, name)


def find_account(connection: Connection, name: str) -> Row[Any] | None:
    """The account of this name, if there is one and it is active."""
    return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name, ACCOUNTS.c.is_active)).first()


def find_any_account(connection: Connection, name: str) -> Row[Any] | None:
    """The account of this name, active or not."""
    return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).first()


def all_accounts(connection: Connection) -> list[Row[Any]]:
    """All accounts, by name."""
    return list(connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)))


def has_waited_enough(connection: Connection, name: str | None, address: str, now_ms: int) -> bool:
    """Whether one may try to sign in: not after too many failures of late, for the name or from the address. `name`:
    None where it is not known yet."""
    since = now_ms - FAILURES_IN_MS
    counts = [(LOGIN_FAILURES.c.address == address, MOST_FAILURES_OF_ADDRESS)]
    if name is not None:
        counts.append((LOGIN_FAILURES.c.name == name, MOST_FAILURES_OF_NAME))
    for condition, most in counts:
        found = select(func.count()).select_from(LOGIN_FAILURES).where(condition, LOGIN_FAILURES.c.ts > since)
        if (connection.execute(found).scalar() or 0) >= most:
            return False
    return True


def note_failure(connection: Connection, name: str, address: str, now_ms: int) -> int:
    """Enter a failed attempt, and drop those of long ago; returns its number."""
    made = connection.execute(insert(LOGIN_FAILURES).values(name=name[:_MAX_NAME_CHARS], address=address, ts=now_ms))
    connection.execute(delete(LOGIN_FAILURES).where(LOGIN_FAILURES.c.ts < now_ms - FAILURES_IN_MS))
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def drop_failure(connection: Connection, number: int) -> None:
    """It was none."""
    connection.execute(delete(LOGIN_FAILURES).where(LOGIN_FAILURES.c.id == number))


def is_password(account: Row[Any] | None, password: str) -> bool:
    """Whether this is the account's password. Takes as long where there is no account."""
    stored = account.password_hash if account is not None and account.password_hash else None
    try:
        matches = _hasher.verify(stored or _NOBODY, password[:MAX_PASSWORD_CHARS])
    except (Argon2Error, InvalidHashError):
        return False
    return matches and stored is not None


def begin_session(connection: Connection, name: str, now_ms: int) -> Session:
    """A new session, with tokens that nobody has seen before."""
    session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    connection.execute(
        insert(SESSIONS).values(
            token_hash=token_hash(session.token), account=name, csrf_token=session.csrf_token, created_ms=now_ms,
            seen_ms=now_ms,
        )
    )  # fmt: skip
    connection.execute(delete(SESSIONS).where(SESSIONS.c.created_ms < now_ms - LONGEST_SESSION_MS))
    return session


def csrf_token_behind_proxy(connection: Connection, name: str, now_ms: int) -> str:
    """The token of the forms of somebody whom a proxy has signed in, for as long as a session may last."""
    key = f"proxy:{name}"  # no hash of a token: a cookie cannot name it
    row = connection.execute(select(SESSIONS).where(SESSIONS.c.token_hash == key)).first()
    if row is not None and row.created_ms > now_ms - LONGEST_SESSION_MS:
        return str(row.csrf_token)
    csrf_token = secrets.token_urlsafe(32)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == key))
    connection.execute(
        insert(SESSIONS).values(token_hash=key, account=name, csrf_token=csrf_token, created_ms=now_ms, seen_ms=now_ms)
    )
    return csrf_token


def find_session(connection: Connection, token: str, idle_ms: int, now_ms: int) -> Row[Any] | None:
    """The account that has this session, with its csrf_token and seen_ms; None where it is over."""
    return connection.execute(
        select(ACCOUNTS, SESSIONS.c.csrf_token, SESSIONS.c.seen_ms)
        .join(SESSIONS, SESSIONS.c.account == ACCOUNTS.c.name)
        .where(
            SESSIONS.c.token_hash == token_hash(token),
            SESSIONS.c.seen_ms > now_ms - idle_ms,
            SESSIONS.c.created_ms > now_ms - LONGEST_SESSION_MS,
            ACCOUNTS.c.is_active,
        )
    ).first()


def touch_session(connection: Connection, token: str, now_ms: int) -> None:
    """Somebody is still there."""
    connection.execute(update(SESSIONS).where(SESSIONS.c.token_hash == token_hash(token)).values(seen_ms=now_ms))


def end_session(connection: Connection, token: str) -> None:
    """Sign out."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == token_hash(token)))


def end_sessions(connection: Connection, name: str) -> None:
    """Sign an account out everywhere."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.account == name))


def add_token(connection: Connection, name: str, role: str, author: str, now_ms: int, until_ms: int | None) -> str:
    """A token for a program. It is shown once; of it only a hash is stored."""
    token = f"fg_{secrets.token_urlsafe(32)}"
    connection.execute(
        insert(TOKENS).values(
            token_hash=token_hash(token), name=name, role=role, author=author, created_ms=now_ms, until_ms=until_ms
        )
    )
    return token


def drop_tokens(connection: Connection, name: str) -> int:
    """Let no token of this name count any more; returns how many there were."""
    return connection.execute(delete(TOKENS).where(TOKENS.c.name == name)).rowcount


def find_token(connection: Connection, token: str, now_ms: int) -> Row[Any] | None:
    """The name and role that a token stands for; None where it is over, or none."""
    row = connection.execute(select(TOKENS).where(TOKENS.c.token_hash == token_hash(token))).first()
    return row if row is not None and (row.until_ms is None or row.until_ms > now_ms) else None


def token_hash(token: str) -> str:
    """What is stored of a token: it has enough randomness of its own for a plain hash."""
    return sha256(token.encode()).hexdigest()


def _hash(password: str) -> str:
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise AccountError(f"a password has at least {MIN_PASSWORD_CHARS} characters")
    return _hasher.hash(password)
