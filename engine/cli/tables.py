"""Tables as files: Parquet (with pyarrow), CSV, JSON Lines.

Which columns there are is known at the end only. So rows wait in a temporary file beside the table, and are read back
some thousands at a time: a table of any length takes little memory.
"""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from engine.errors import RecordingError
from engine.rulebook.language.nodes import Type

ROWS_A_GROUP = 20_000
ENDINGS = (".parquet", ".csv", ".jsonl")
NO_PYARROW = "Parquet needs pyarrow: `pip install 'floodgate[features]'`, or write .csv or .jsonl"

Row = dict[str, Any]


def check_ending(path: Path) -> None:
    """Whether a table can be written here, before there is one. Raises RecordingError."""
    if path.suffix not in ENDINGS:
        raise RecordingError(f"{path}: a table ends with {', '.join(ENDINGS)}")
    if path.suffix == ".parquet":
        _pyarrow()


def write_table(path: Path, types: Mapping[str, Type], rows: Iterable[Row]) -> int:
    """Write rows as their file's name ends, and return how many there were. `types`: of the columns; a row may have
    further ones, of truth values, which come after the column whose name theirs begins with. Raises RecordingError."""
    with tempfile.TemporaryFile(dir=path.parent, prefix=".floodgate-") as waiting:
        written, further = _spool(waiting, types, rows)
        columns = _in_order(types, further)
        _WRITERS[path.suffix](path, columns, _read_back(waiting))
    return written


def _spool(waiting: IO[bytes], types: Mapping[str, Type], rows: Iterable[Row]) -> tuple[int, set[str]]:
    written, further = 0, set[str]()
    for row in rows:
        further.update(row.keys() - types.keys())
        waiting.write(orjson.dumps(row) + b"\n")
        written += 1
    waiting.seek(0)
    return written, further


def _in_order(types: Mapping[str, Type], further: set[str]) -> dict[str, Type]:
    columns: dict[str, Type] = {}
    for name, kind in types.items():
        columns[name] = kind
        columns.update(dict.fromkeys((one for one in sorted(further) if one.rpartition("__")[0] == name), "bool"))
    return columns


def _read_back(waiting: IO[bytes]) -> Iterator[Row]:
    return map(orjson.loads, waiting)


def _write_lines(path: Path, columns: Mapping[str, Type], rows: Iterator[Row]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps({name: _value(row, name, kind) for name, kind in columns.items()}) + b"\n")


def _write_csv(path: Path, columns: Mapping[str, Type], rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(_cell(_value(row, name, kind)) for name, kind in columns.items())


def _write_parquet(path: Path, columns: Mapping[str, Type], rows: Iterator[Row]) -> None:
    arrow, parquet = _pyarrow()
    types = {
        "bool": arrow.bool_(),
        "list": arrow.list_(arrow.string()),
        "text": arrow.string(),
        "any": arrow.string(),
        "time": arrow.timestamp("ms", tz="UTC"),
    }
    schema = arrow.schema([(name, types.get(kind, arrow.float64())) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROWS_A_GROUP)):
            writer.write_table(arrow.table(_arrays(columns, group), schema=schema))


def _arrays(columns: Mapping[str, Type], group: Sequence[Row]) -> dict[str, list[Any]]:
    return {name: [_typed(_value(row, name, kind), kind) for row in group] for name, kind in columns.items()}


def _value(row: Row, name: str, kind: Type) -> Any:
    """What a row has in a column; a further column that it has not is false."""
    value = row.get(name, False if kind == "bool" and name not in row and "__" in name else None)
    return [_text(item) for item in value] if kind == "list" and isinstance(value, list) else value


def _typed(value: Any, kind: Type) -> Any:
    """As Parquet has it: whole numbers are numbers like any other, and what is of any type is a text."""
    if value is None or kind in ("bool", "list"):
        return value
    if kind in ("text", "any"):
        return _text(value)
    return int(value) if kind == "time" else float(value)


def _cell(value: Any) -> Any:
    """As CSV has it: nothing for what is unknown; truth values and lists as in JSON."""
    return _text(value) if isinstance(value, bool | list | dict) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415  # an extra: it is larger than all the rest
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise RecordingError(NO_PYARROW) from error
    return pyarrow, parquet


_WRITERS = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_lines}
