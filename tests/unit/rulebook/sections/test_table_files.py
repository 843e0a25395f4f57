"""Tables in files of the rulebook: rows by key, and mistakes told at their lines."""

from typing import Any

import pytest

from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.sections import table_files
from engine.rulebook.sections.records import FieldDeclaration
from engine.rulebook.sections.table_files import read_rows

COLUMNS = {
    "risk": FieldDeclaration("number", "risk"),
    "name": FieldDeclaration("text", "name"),
    "known": FieldDeclaration("bool", "known"),
}
SINCE = {"since": FieldDeclaration("time", "since")}


def read(file: str, text: str, columns: dict[str, FieldDeclaration] = COLUMNS) -> tuple[dict[str, Any], list[str]]:
    """The rows, and where what is wrong."""
    report = Diagnostics({file: text})
    rows = read_rows(file, text, "id", columns, report)
    return rows, [f"{error.span.line + 1}: {error.message}" for error in report.errors]


def test_a_csv_file_has_a_line_of_names_and_empty_cells_are_unknown() -> None:
    text = 'name,id,risk,known,more\r\n"A, B",m1,0.5,TRUE,x\r\n,m2,7,,\r\n\r\nC,m3,,false,"a\nb"\r\n'
    rows = {"m1": (0.5, "A, B", True), "m2": (7, None, None), "m3": (None, "C", False)}
    assert read("t.csv", text) == (rows, [])


def test_a_file_of_json_lines_has_an_object_on_each() -> None:
    text = '{"id": "m1", "risk": 0.5, "name": "A", "known": true, "more": {}}\n\n{"id": 7}\n'
    assert read("t.jsonl", text) == ({"m1": (0.5, "A", True), "7": (None, None, None)}, [])


def test_times_stand_there_as_texts_or_as_numbers() -> None:
    rows = {"m1": ("2026-10-01",), "m2": (1_790_812_800_000,)}
    assert read("t.csv", "id,since\nm1,2026-10-01\nm2,1790812800000\n", SINCE) == (rows, [])
    assert (
        read("t.jsonl", '{"id": "m1", "since": "2026-10-01"}\n{"id": "m2", "since": 1790812800000}\n', SINCE)[0] == rows
    )
    assert read("t.csv", "id,since\nm1,soon\n", SINCE)[1] == ["2: `since` is a time, this is `soon`"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: this file has no column `id`"),
        ("id,risk,name\nm1,1,A", "1: this file has no column `known`"),
        ("id,risk,name,known\n,1,A,true", "2: this row has no `id`"),
        ("id,risk,name,known\nm1", None),
        ("id,risk,name,known\nm1,high,A,true", "2: `risk` is a number, this is `high`"),
        ("id,risk,name,known\nm1,1e999,A,true", "2: `risk` is a number, this is `1e999`"),
        ("id,risk,name,known\nm1,1,A,yes", "2: `known` is a bool, this is `yes`"),
        ("id,risk,name,known\nm1,1,A,true\nm1,1,A,true", "3: `m1` is here twice, first on line 2"),
        ('id,risk,name,known\nm1,1,"A,true', "2: this is no CSV: unexpected end of data"),
    ],
)
def test_what_is_wrong_in_csv_is_told_at_its_line(text: str, told: str | None) -> None:
    assert read("t.csv", text)[1] == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "this line is no JSON"),
        ("[" * 100_000, "this line is no JSON"),
        ("[1]", "this row has no `id`"),
        ('{"risk": 1}', "this row has no `id`"),
        ('{"id": "m1", "risk": "1"}', "`risk` is a number, this is `1`"),
        ('{"id": "m1", "known": 1}', "`known` is a bool, this is `1`"),
    ],
)
def test_what_is_wrong_in_json_lines_is_told_at_its_line(line: str, told: str) -> None:
    rows, (error,) = read("t.jsonl", f'{{"id": "m0"}}\n{line}')
    assert list(rows) == ["m0"]
    assert error.startswith(f"2: {told}")


def test_of_many_mistakes_some_are_told() -> None:
    assert len(read("t.csv", "id,risk,name,known\n" + "m1,x,A,true\n" * 100)[1]) == 10


def test_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MAX_ROWS", 2)
    rows, told = read("t.csv", "id,risk,name,known\n" + "".join(f"m{n},1,A,true\n" for n in range(5)))
    assert (len(rows), told) == (2, ["4: a table file has at most 2 rows"])
    monkeypatch.setattr(table_files, "MAX_TABLE_CHARS", 10)
    assert read("t.csv", "id,risk,name,known\n") == ({}, ["1: a table file has at most 0 MB"])
