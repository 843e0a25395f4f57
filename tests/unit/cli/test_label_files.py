"""Spreadsheets of labels as people save them."""

from pathlib import Path

import pytest

from engine.cli.label_files import Dates, LabelFile, read_label_file
from engine.errors import RecordingError
from engine.learning.label_mapping import LabelMapping

NOW_MS = 1_790_000_000_000
AT_MS = 1_795_788_300_000
"""The 27th of November 2026, 14:05 UTC."""


def read(
    directory: Path, content: str | bytes, dates: Dates | None = None, moderator: str | None = None,
    name: str = "labels.csv",
) -> LabelFile:  # fmt: skip
    file = directory / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_label_file(file, moderator, NOW_MS, dates)


def test_recorded_labels_of_another_tool_are_read_and_ours_beside_them(tmp_path: Path) -> None:
    mapping = LabelMapping({"event_id": "id", "label": "verdict", "moderator": "by"}, {"removed": "spam"})
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"id": "a", "verdict": "removed", "ts": 1795788300000, "by": "eve"}\n'
        '{"id": "b", "verdict": "removed"}\n{"event_id": "c", "label": "ham"}\n'
    )
    found = read_label_file(file, "mia", NOW_MS, None, mapping)
    assert [line.document for line in found.lines] == [
        {"ts": AT_MS, "moderator": "eve", "event_id": "a", "label": "spam"},
        {"ts": NOW_MS, "moderator": "mia", "event_id": "b", "label": "spam"},
        {"ts": NOW_MS, "moderator": "mia", "event_id": "c", "label": "ham"},
    ]


def test_a_tools_time_is_in_its_unit_and_that_of_the_import_is_not(tmp_path: Path) -> None:
    mapping = LabelMapping({"event_id": "id", "label": "verdict", "ts": "at"}, {"removed": "spam"}, ts_unit="s")
    file = tmp_path / "labels.jsonl"
    file.write_text('{"id": "a", "verdict": "removed", "at": 1795788300}\n{"id": "b", "verdict": "removed"}\n')
    found = read_label_file(file, None, NOW_MS, None, mapping)
    assert [line.document["ts"] for line in found.lines] == [AT_MS, NOW_MS]


def told(directory: Path, content: str | bytes, dates: Dates | None = None) -> str:
    with pytest.raises(RecordingError) as error:
        read(directory, content, dates)
    return str(error.value).replace(str(directory / "labels.csv"), "FILE")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("begin", ["", "\ufeff", "\n\n"], ids=["plain", "BOM", "empty lines"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_are_found_and_names_are_read_as_people_write_them(
    separator: str, begin: str, end: str, tmp_path: Path
) -> None:
    cells = [
        ["Event ID", " Verdict ", "User-Id", "comment", "TYPE"],
        ['"p-1"', "SPAM", '"anna; b,\tc"', '"two lines\nof text"', ""],
        ["p-2", "Not  spam", "", "", "post"],
        ["", "", "", "", ""],
    ]
    found = read(tmp_path, begin + end.join(separator.join(row) for row in cells))
    assert [line.document for line in found.lines] == [
        {"ts": NOW_MS, "event_id": "p-1", "label": "spam", "user_id": "anna; b,\tc"},
        {"ts": NOW_MS, "event_id": "p-2", "label": "ham", "type": "post"},
    ]
    first = 2 + begin.count("\n")
    assert [line.number for line in found.lines] == [first, first + 2]  # one has a line break within a cell
    assert found.unread == ["comment"]


@pytest.mark.parametrize(
    ("text", "dates", "ts"),
    [
        (str(AT_MS), None, AT_MS),
        ("27.11.2026 14:05", None, AT_MS),
        ("27.11.26 14:05", None, AT_MS),
        ("27.11.2026 14:05:07", None, AT_MS + 7_000),
        ("27.11.2026", None, 1_795_737_600_000),
        ("2026-11-27T14:05:00Z", None, "2026-11-27T14:05:00Z"),
        ("2026-11-27 14:05", None, "2026-11-27 14:05"),
        ("11/27/2026 14:05", "us", AT_MS),
        ("11/27/2026 2:05 PM", "us", AT_MS),
        ("27/11/2026 14:05", "eu", AT_MS),
        ("", None, NOW_MS),
    ],
)
def test_times_are_read_as_spreadsheets_write_them(
    text: str, dates: Dates | None, ts: int | str, tmp_path: Path
) -> None:
    found = read(tmp_path, f"event_id;label;Date\ne;spam;{text}\n", dates)
    assert found.lines[0].document["ts"] == ts


@pytest.mark.parametrize(("moderator", "said"), [(None, ["ann", None]), ("mia", ["ann", "mia"])])
def test_whose_labels_they_are_is_said_by_the_file_first(
    moderator: str | None, said: list[str | None], tmp_path: Path
) -> None:
    found = read(tmp_path, "event_id,label,moderator\ne1,spam,ann\ne2,spam,\n", moderator=moderator)
    assert [line.document.get("moderator") for line in found.lines] == said


def test_shares_have_a_comma_where_cells_have_semicolons(tmp_path: Path) -> None:
    found = read(tmp_path, "event_id;label;propensity\ne1;spam;0,05\n")
    assert found.lines[0].document["propensity"] == 0.05


def test_all_that_is_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    lines = ["event_id,label,ts,propensity", "e1,spam,,", "e2,maybe,,", ",spam,,", "e4,ham,03/04/2026,", "e5,ham,soon,",
             "e6,maybe,1/2/2026,often", "e7,ham,,,more"]  # fmt: skip
    assert told(tmp_path, "\n".join(lines)).splitlines() == [
        "FILE: 6 lines are no labels; nothing has been published",
        "line 3: `label` must be one of spam, ham, retracted",
        "line 4: `event_id` or `action_id` must be a string",
        "line 5: `ts` '03/04/2026' may be read in two ways: say `--dates us` (month first) or `--dates eu`",
        "line 6: `ts` 'soon' is not an ISO 8601 time",
        "line 7: `ts` '1/2/2026' may be read in two ways: say `--dates us` (month first) or `--dates eu`; "
        "`propensity` 'often' is no number; `label` must be one of spam, ham, retracted",
        "line 8: it has 5 cells for 4 columns",
    ]


@pytest.mark.parametrize(
    ("content", "dates", "why"),
    [
        ("", None, "FILE has no labels"),
        ("event_id,label\n", None, "has no labels"),
        ("e1,spam\ne2,ham\n", None, "its first line has to name the columns"),
        ("event_id,verdict,label\ne,spam,ham\n", None, "two columns for label"),
        ("event_id,label,ts\ne,spam,27/11/2026\n", "us", "line 2: `ts` '27/11/2026' is no date with `--dates us`"),
        ("event_id,label\nok,spam\n\u00e9,spam\n".encode("latin-1"), None, "line 3: this is not UTF-8"),
        ("event_id,label\ne,spam\n".encode("utf-16"), None, "this is not UTF-8"),
        ("event_id,label\ne,spam\n".encode("utf-16-be"), None, "FILE is no text"),
        ('event_id,label\n"' + "x" * 200_000, None, "line 2: field larger than field limit"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_labels_is_told_in_one_line(
    content: str | bytes, dates: Dates | None, why: str, tmp_path: Path
) -> None:
    message = told(tmp_path, content, dates)
    assert why in message
    assert len(message.splitlines()) == 1


def test_json_lines_are_read_too_and_tell_all_that_is_wrong(tmp_path: Path) -> None:
    found = read(tmp_path, '{"event_id": "e", "label": "spam"}\n', name="labels.jsonl")
    assert found.lines[0].document == {"event_id": "e", "label": "spam", "ts": NOW_MS}
    with pytest.raises(RecordingError, match=r"line 1: this is not JSON(?s:.*)line 2: a label is a JSON object"):
        read(tmp_path, "junk\n[]\n", name="labels.jsonl")
