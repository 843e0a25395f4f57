"""Tables that a rulebook has in its own files: CSV with a line of names, or JSON Lines."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

from engine.core.domain.reference import MAX_VALUE_CHARS, Row, key_of, row_of
from engine.keys.calendar import time_ms
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.sections.records import FieldDeclaration

MAX_ROWS = 50_000
MAX_TABLE_CHARS = 4 << 20
"""Of one file. A rulebook travels as one message."""

_LARGER = "larger tables come on a topic: topic: …"
_MOST_ERRORS = 10
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?")
_FITTING: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,), "number": (int, float), "text": (str,), "list": (list,),
    "duration": (int, float), "size": (int, float), "time": (int, float, str),
}  # fmt: skip

Document = Mapping[str, Any]
Columns = Mapping[str, FieldDeclaration]


class _RowError(Exception):
    """What is wrong with a line."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def read_rows(file: str, text: str, key: str, columns: Columns, report: Diagnostics) -> dict[str, Row]:
    """The rows of a table by key; what is wrong with the file is reported at its lines."""
    rows: dict[str, Row] = {}
    if len(text) > MAX_TABLE_CHARS:
        message = f"a table file has at most {MAX_TABLE_CHARS >> 20} MB"
        report.error(Span(file, 0, 0), message, _LARGER)
        return rows
    lines: dict[str, int] = {}
    sources, mistakes = [field.path for field in columns.values()], 0
    for number, found in _documents(file, text, key, columns):
        try:
            if isinstance(found, _RowError):
                raise found
            name, document = found
            if name in lines:
                raise _RowError(f"`{name}` is here twice, first on line {lines[name]}", "each key has one row")
            if len(rows) == MAX_ROWS:
                raise _RowError(f"a table file has at most {MAX_ROWS:,} rows", _LARGER)
            lines[name] = number
            rows[name] = row_of(document, sources)
        except _RowError as mistake:
            report.error(Span(file, number - 1, 0), str(mistake), mistake.hint)
            mistakes += 1
            if mistakes == _MOST_ERRORS or len(rows) == MAX_ROWS:
                break
    return rows


def _documents(
    file: str, text: str, key: str, columns: Columns
) -> Iterator[tuple[int, tuple[str, Document] | _RowError]]:
    """Number of each line, and its key and values, or what is wrong with it."""
    if file.endswith(".jsonl"):
        yield from _json_lines(text, key, columns)
    elif file.endswith(".csv"):
        yield from _csv_rows(text, key, columns)
    else:
        yield 1, _RowError("a table is a .csv or a .jsonl file", "rename it")


def _json_lines(text: str, key: str, columns: Columns) -> Iterator[tuple[int, tuple[str, Document] | _RowError]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, _RowError(f"this line is no JSON: {error}")
            continue
        name = key_of(document.get(key)) if isinstance(document, dict) else None
        if name is None:
            yield number, _RowError(f"this row has no `{key}`", f'for example {{"{key}": "…", …}}')
            continue
        wrong = next((mistake for mistake in _unfit(document, columns)), None)
        yield number, wrong or (name, document)


def _unfit(document: Document, columns: Columns) -> Iterator[_RowError]:
    for (name, field), value in zip(columns.items(), row_of(document, [f.path for f in columns.values()]), strict=True):
        fitting = (*_FITTING[field.type], str) if field.is_spelt else _FITTING[field.type]
        if value is not None and type(value) not in fitting:
            yield _RowError(f"`{name}` is a {field.type}, this is `{str(value)[:40]}`")


def _csv_rows(text: str, key: str, columns: Columns) -> Iterator[tuple[int, tuple[str, Document] | _RowError]]:
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    try:
        names = list(reader.fieldnames or ())
        for needed in (key, *(field.path for field in columns.values())):
            if needed not in names:
                hint = did_you_mean(needed, names) or f"its columns: {', '.join(names[:20]) or 'none'}"
                yield 1, _RowError(f"this file has no column `{needed}`", hint)
                return
        for line in reader:
            number = reader.line_num
            try:
                if not line[key]:
                    raise _RowError(f"this row has no `{key}`")
                yield number, (line[key], {field.path: _read(name, field, line) for name, field in columns.items()})
            except _RowError as mistake:
                yield number, mistake
    except csv.Error as error:
        yield reader.line_num + 1, _RowError(f"this is no CSV: {error}")


def _read(name: str, field: FieldDeclaration, line: Mapping[str, str | None]) -> Any:
    """A value as its type says; nothing where the cell is empty."""
    text = (line.get(field.path) or "").strip()
    if not text:
        return None
    if field.type == "text":
        return text[:MAX_VALUE_CHARS]
    if field.type == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if field.type == "time" and time_ms(text) is not None:
        return text
    if field.type in ("number", "duration", "size", "time") and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if field.type == "list":
        raise _RowError(f"`{name}` is a list, which CSV has none of", "lists are in .jsonl files")
    raise _RowError(f"`{name}` is a {field.type}, this is `{text[:40]}`")
