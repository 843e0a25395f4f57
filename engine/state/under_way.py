"""Changes on their way to the database: they count at once, and are kept in memory until they are there."""

Pending = dict[bytes, tuple[bytes | None, int]]
"""By key: the newest value, None where it is deleted, and how many writes of it are under way."""


def keep(pending: Pending, key: bytes, value: bytes | None) -> tuple[bytes, bytes | None]:
    """One more change is under way; returns it."""
    _, writes = pending.get(key, (value, 0))
    pending[key] = value, writes + 1
    return key, value


def settle(pending: Pending, key: bytes) -> None:
    """One of the changes of this key is in the database."""
    value, writes = pending.pop(key)
    if writes > 1:
        pending[key] = value, writes - 1
