"""Reference data: what the engine looks up about an event beside what its sender says.

A lookup finds a row by one of the event's fields, in a database of networks or in a table, and the row's columns become
fields of the event. They stand under names that no rulebook can write and no declared field can have, and whatever a
sender has put there is dropped: nobody makes up their own country or plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

MAX_VALUE_CHARS = 1_000
"""Longer texts of a row are cut."""
MAX_ITEMS = 100
"""A list of a row has no more of them."""

VERSIONS = "reference versions"
"""Where an event has which version of each database it was looked up in."""

LookupKind = Literal["mmdb", "file", "topic"]

Row = tuple[Any, ...]
"""The values of a row, in the order of a lookup's columns; None: it has none."""


@dataclass(frozen=True, slots=True)
class Column:
    """`path`: where the event has the value; `source`: the dotted path of it in the row."""

    path: str
    source: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is looked up by one field of an event. `source`: the file's name of a database, else the table's; `key`:
    the path of the field."""

    kind: LookupKind
    source: str
    key: str
    columns: tuple[Column, ...]


class ReferenceData(Protocol):
    """Where rows are found."""

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """The row of a key, as it was known at a time; None where there is none."""

    def version(self, source: str) -> str | None:
        """Of which day a database is; None where it is not there."""


class NoReferenceData:
    """Knows nothing."""

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """No row."""
        return None

    def version(self, source: str) -> str | None:
        """No version."""
        return None


def reference_path(name: str) -> str:
    """Where an event has a looked-up value. With a blank in it, no `event.x` and no `from` can name it."""
    return f"reference {name.replace('.', ' ')}"


def key_of(value: Any) -> str | None:
    """A field's value as the key of a row: texts as they are, whole numbers as they are written."""
    if type(value) is str:
        return value or None
    if type(value) is float and value.is_integer():
        return str(int(value))
    return str(value) if type(value) is int else None


def row_of(document: Mapping[str, Any], sources: Iterable[str]) -> Row:
    """The columns of a document. What is no plain value, and no list of plain values, is left out."""
    return tuple([_plain(_at(document, source)) for source in sources])


def _at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; a number in it counts into a list."""
    value: Any = document
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif type(value) is list and part.isascii() and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = None
    return value if value is not None else document.get(path)


def _plain(value: Any) -> Any:
    if type(value) is str:
        return value[:MAX_VALUE_CHARS]
    if type(value) is int:
        return value if abs(value) < 1 << 63 else None
    if type(value) is list:
        return [_plain(item) for item in value[:MAX_ITEMS] if type(item) in (str, int, float, bool)]
    return value if type(value) in (float, bool) else None
