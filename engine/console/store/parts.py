"""Long lists, in parts that one statement can name."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

AT_ONCE = 500
T = TypeVar("T")


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of at most `AT_ONCE` values."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
