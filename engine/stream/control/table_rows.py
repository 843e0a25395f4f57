"""The rows of tables as their topics have them, for runs over events that are on topics too."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
import orjson

from engine.core.domain.rules import Rulebook
from engine.errors import TopicError
from engine.reference.recorded import RecordedRow, RecordedTables
from engine.settings import Settings
from engine.stream.kafka.records import read_all


def read_tables(settings: Settings, rulebook: Rulebook, given: Mapping[str, list[RecordedRow]]) -> RecordedTables:
    """The tables of a rulebook; those that are `given` are not read. What was before the first row that a topic has
    kept of a key is taken for the same, as compaction removes rows. A topic that is not there has no rows."""
    rows = dict(given)
    for table, topic in rulebook.topics.items():
        if table not in given:
            with suppress(TopicError):
                rows[table] = _rows_on(settings, topic)
    return RecordedTables(rows)


def _rows_on(settings: Settings, topic: str) -> list[RecordedRow]:
    rows, seen = [], set[str]()
    for record in read_all(settings, topic):
        try:
            key = (record.key or b"").decode()
            document = orjson.loads(record.value) if record.value else None
            row = msgspec.convert({"key": key, "fields": document, "ts": max(0, record.timestamp)}, RecordedRow)
        except (ValueError, msgspec.ValidationError):  # no row: the workers leave it out too
            continue
        rows.append(row if key in seen else msgspec.structs.replace(row, ts=0))
        seen.add(key)
    return rows
