"""Dictionaries that hold what came last."""

from typing import TypeVar

Kept = TypeVar("Kept")


def keep_latest(known: dict[str, Kept], key: str, value: Kept, most: int) -> Kept:
    """Make this the latest of at most so many; the oldest gives way."""
    known.pop(key, None)
    known[key] = value
    if len(known) > most:
        del known[next(iter(known))]
    return value
