"""Tables as files."""

import csv
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.cli import tables
from engine.cli.tables import check_ending, write_table
from engine.errors import RecordingError
from engine.rulebook.language.nodes import Type

TYPES: dict[str, Type] = {"event_id": "text", "ts": "time", "n": "number", "ok": "bool", "urls": "list", "x": "any"}
ROWS: list[dict[str, Any]] = [
    {"event_id": "e0", "ts": 1_760_000_000_123, "n": 3, "ok": True, "urls": ["a,b", 1], "x": {"y": 1}},
    {"event_id": 'e"1', "ts": 1_760_000_000_124, "n": 31.5, "n__at_least": True, "ok": None, "urls": None, "x": None},
]


def test_json_lines_have_every_column_in_every_row(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert write_table(path, TYPES, ROWS) == 2
    first, second = map(orjson.loads, path.read_bytes().splitlines())
    assert list(first) == ["event_id", "ts", "n", "n__at_least", "ok", "urls", "x"]
    assert first == {**ROWS[0], "n__at_least": False, "urls": ["a,b", "1"]}
    assert second == ROWS[1]
    assert [file.name for file in tmp_path.iterdir()] == ["out.jsonl"]


def test_csv_has_lists_and_truth_values_as_json_and_nothing_for_unknown(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_table(path, TYPES, ROWS)
    with path.open(newline="") as file:
        header, first, second = csv.reader(file)
    assert header == ["event_id", "ts", "n", "n__at_least", "ok", "urls", "x"]
    assert first == ["e0", "1760000000123", "3", "false", "true", '["a,b","1"]', '{"y":1}']
    assert second == ['e"1', "1760000000124", "31.5", "true", "", "", ""]


def test_no_column_for_bounds_where_there_is_none(tmp_path: Path) -> None:
    write_table(tmp_path / "out.csv", TYPES, ROWS[:1])
    assert "at_least" not in (tmp_path / "out.csv").read_text()


def test_parquet_has_types_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(tables, "ROWS_A_GROUP", 2)
    write_table(tmp_path / "out.parquet", TYPES, [*ROWS, *ROWS, ROWS[0]])
    file = parquet.ParquetFile(tmp_path / "out.parquet")
    assert (file.num_row_groups, file.metadata.num_rows) == (3, 5)
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert kinds == {"event_id": "string", "ts": "timestamp[ms, tz=UTC]", "n": "double", "n__at_least": "bool",
                     "ok": "bool", "urls": "list<element: string>", "x": "string"}  # fmt: skip
    read = file.read().to_pylist()
    assert (read[1]["n"], read[1]["n__at_least"], read[1]["urls"], read[0]["x"]) == (31.5, True, None, '{"y":1}')


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "out.csv", TYPES, [])
    assert (tmp_path / "out.csv").read_text().strip() == "event_id,ts,n,ok,urls,x"


def test_what_cannot_be_written_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecordingError, match=r"\.parquet, \.csv, \.jsonl"):
        check_ending(tmp_path / "out.xlsx")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(RecordingError, match=r"pip install 'floodgate\[features\]'"):
        check_ending(tmp_path / "out.parquet")
