"""Recorded tables, for runs over recorded events: each event meets the rows that were known when it arrived."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from engine.core.domain.reference import Lookup, Row, row_of
from engine.errors import RecordingError

_ALWAYS_MS = 0
_EXAMPLE = '{"key": "ann", "fields": {"plan": "free"}, "ts": 1764000000000}'


class RecordedRow(msgspec.Struct, frozen=True):
    """A line of a recorded table. `fields`: null where the row was removed; `ts`: since when it was so, without it
    always."""

    key: str | int
    fields: dict[str, Any] | None
    ts: Annotated[int, msgspec.Meta(ge=0)] = _ALWAYS_MS


def read_recorded_rows(lines: Iterable[bytes], name: str) -> list[RecordedRow]:
    """The rows of a file. Raises RecordingError, which names the line."""
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(msgspec.json.decode(line, type=RecordedRow))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise RecordingError(f"{name}, line {number}: {error}; a line is {_EXAMPLE}") from error
    return rows


class RecordedTables:
    """Rows as they were known, by table."""

    def __init__(self, tables: Mapping[str, Iterable[RecordedRow]]) -> None:
        self._documents: dict[str, dict[str, tuple[list[int], list[dict[str, Any] | None]]]] = {}
        for name, rows in tables.items():
            known = self._documents[name] = {}
            for row in sorted(rows, key=lambda row: row.ts):
                times, documents = known.setdefault(str(row.key), ([], []))
                times.append(row.ts)
                documents.append(row.fields)

    @property
    def names(self) -> list[str]:
        """Of which tables there are rows."""
        return sorted(self._documents)

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """The row of a key as it was at a time."""
        times, documents = self._documents.get(lookup.source, {}).get(key, ((), ()))
        at = bisect_right(times, at_ms)
        document = documents[at - 1] if at else None
        return row_of(document, [column.source for column in lookup.columns]) if document is not None else None
