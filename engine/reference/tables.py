"""Tables whose rows come on topics, as they are known now, in bounded memory."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from engine.core.domain.reference import Lookup, Row, row_of

MAX_KEY_CHARS = 512
_ROW_BYTES = 200
"""What a row takes beside its texts: two objects, their places in a table, a few numbers."""


class Tables:
    """The rows of the tables that lookups name. `max_rows` and `max_bytes`: of all together; rows beyond them are
    refused."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._lookups: dict[str, Lookup] = {}
        self._rows: dict[str, dict[str, Row]] = {}
        self._bytes: dict[str, int] = {}

    def use(self, lookups: Iterable[Lookup]) -> set[str]:
        """Have these tables from now on. Returns those of which no row is known: they are new, or have other columns
        than before."""
        wanted = {lookup.source: lookup for lookup in lookups if lookup.kind == "topic"}
        kept = {name for name, lookup in wanted.items() if self._sources(self._lookups.get(name)) == _sources(lookup)}
        self._rows = {name: self._rows[name] if name in kept else {} for name in wanted}
        self._bytes = {name: self._bytes[name] if name in kept else 0 for name in wanted}
        self._lookups = wanted
        return wanted.keys() - kept

    def put(self, table: str, key: bytes | None, value: bytes | None) -> str | None:
        """A message of a table's topic: a row, or that it is removed. Returns why it is refused, if it is."""
        try:
            name = (key or b"").decode()
            document: Any = orjson.loads(value) if value else None
        except ValueError:
            return "not_json"
        if not 0 < len(name) <= MAX_KEY_CHARS:
            return "no_key"
        if document is None:
            self._remove(table, name)
            return None
        if not isinstance(document, dict):
            return "not_an_object"
        row, rows = row_of(document, _sources(self._lookups[table])), self._rows[table]
        known = rows.get(name)
        more = _size(name, row) - (_size(name, known) if known is not None else 0)
        if (known is None and self.rows >= self._max_rows) or (more > 0 and self.bytes + more > self._max_bytes):
            return "no_room"
        rows[name] = row
        self._bytes[table] += more
        return None

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """The row of a key, as it is known now."""
        return self._rows.get(lookup.source, {}).get(key)

    def counts(self) -> Mapping[str, int]:
        """How many rows each table has."""
        return {name: len(rows) for name, rows in self._rows.items()}

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(map(len, self._rows.values()))

    @property
    def bytes(self) -> int:
        """What all rows take, about."""
        return sum(self._bytes.values())

    def _remove(self, table: str, name: str) -> None:
        row = self._rows[table].pop(name, None)
        if row is not None:
            self._bytes[table] -= _size(name, row)

    @staticmethod
    def _sources(lookup: Lookup | None) -> list[str] | None:
        return _sources(lookup) if lookup is not None else None


def _sources(lookup: Lookup) -> list[str]:
    return [column.source for column in lookup.columns]


def _size(name: str, row: Row) -> int:
    return _ROW_BYTES + len(name) + sum(_value_bytes(value) for value in row)


def _value_bytes(value: Any) -> int:
    if type(value) is list:
        return sum(map(_value_bytes, value))
    return 60 + 4 * len(value) if type(value) is str else 32
