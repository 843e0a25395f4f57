"""Files of labels: JSON Lines, and spreadsheets as people save them, with all that is wrong with them told at once.

A spreadsheet is text in UTF-8, its cells separated by commas, semicolons or tabs, with a line of names. Names are read
in any case, with blanks for underscores; verdicts in any case.
"""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from engine.cli.recordings import read_lines
from engine.errors import LabelError, RecordingError
from engine.learning.label_mapping import LabelMapping
from engine.stream.handlers.label_messages import IN_OUR_TERMS, read_label

Dates = Literal["us", "eu"]
"""How 03/04/2026 is read: the 4th of March, or the 3rd of April."""

NAMES = {
    "event_id": "event_id", "event": "event_id", "action_id": "action_id", "user_id": "user_id", "user": "user_id",
    "type": "type", "label": "label", "verdict": "label", "ts": "ts", "time": "ts", "date": "ts",
    "moderator": "moderator", "propensity": "propensity", "policy": "policy",
}  # fmt: skip
"""Names of columns, and what they mean."""
VERDICTS = {"not spam": "ham", "no spam": "ham", "retract": "retracted"}
"""What a verdict may be called, beside its own name."""

_SPREADSHEETS = {".csv", ".tsv", ".txt"}
_SEPARATORS = (",", ";", "\t")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_DAY_FIRST = ("%d.%m.%Y", "%d.%m.%y")
_SLASHED = {"us": ("%m/%d/%Y", "%m/%d/%y"), "eu": ("%d/%m/%Y", "%d/%m/%y")}
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


class Line(NamedTuple):
    """A line of a file, and the label in it, or what is wrong with it."""

    number: int
    document: dict[str, object]
    wrong: str = ""


class LabelFile(NamedTuple):
    """`unread`: the names of columns that mean nothing here."""

    lines: list[Line]
    unread: list[str]


def read_label_file(
    file: Path, moderator: str | None, now_ms: int, dates: Dates | None, mapping: LabelMapping = IN_OUR_TERMS
) -> LabelFile:
    """The labels of a file in our terms, all of them good. `moderator`: whose they are where it does not say; `now_ms`:
    their time where it has none; `mapping`: of JSON Lines, as columns have our names. Raises RecordingError, with each
    line that is wrong."""
    if file.suffix.lower() in _SPREADSHEETS:
        label_file, mapping = _read_spreadsheet(file, dates), IN_OUR_TERMS
    else:
        label_file = LabelFile(list(_read_json_lines(file)), [])
    defaults = {"ts": now_ms, **({"moderator": moderator} if moderator is not None else {})}
    checked = [_checked(line, defaults, mapping) for line in label_file.lines]
    wrong = [f"line {line.number}: {line.wrong}" for line in checked if line.wrong]
    if len(wrong) == 1:
        raise RecordingError(f"{file}, {wrong[0]}; nothing has been published")
    if wrong:
        listed = "\n".join(wrong)
        raise RecordingError(f"{file}: {len(wrong):,} lines are no labels; nothing has been published\n{listed}")
    if not checked:
        raise RecordingError(f"{file} has no labels")
    return LabelFile(checked, label_file.unread)


def _checked(line: Line, defaults: dict[str, object], mapping: LabelMapping) -> Line:
    if line.wrong and not line.document:
        return line
    document = defaults | line.document
    if not mapping.is_ours(document):
        document = defaults | mapping.translate(line.document)
    wrong = [line.wrong] if line.wrong else []
    try:
        read_label(document)
    except LabelError as error:
        wrong.append(str(error))
    return Line(line.number, document, "; ".join(wrong))


def _read_json_lines(file: Path) -> Iterator[Line]:
    for number, line in enumerate(read_lines(file), start=1):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Line(number, {}, f"this is not JSON: {error}")
            continue
        yield Line(number, document) if isinstance(document, dict) else Line(number, {}, "a label is a JSON object")


def _read_spreadsheet(file: Path, dates: Dates | None) -> LabelFile:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        advice = "this is not UTF-8: save it as CSV UTF-8"
        raise RecordingError(f"{file}, line {line}: {advice}; nothing has been published") from error
    if "\x00" in text:
        raise RecordingError(f"{file} is no text: save the spreadsheet as CSV UTF-8; nothing has been published")
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=lambda mark: sum(_name(cell.strip(' "')) in NAMES for cell in first.split(mark)))
    return _read_cells(file, text, separator, dates)


def _read_cells(file: Path, text: str, separator: str, dates: Dates | None) -> LabelFile:
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator)
    names: list[str] | None = None
    lines, begins = [], 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            lines.append(Line(begins, {}, f"{error}: is a quotation mark missing?"))
            break
        if row is None:
            break
        if any(cell.strip() for cell in row):
            if names is None:
                names = _names(file, row)
            else:
                lines.append(_line(begins, names, row, dates))
        begins = rows.line_num + 1
    return LabelFile(lines, [name for name in names or () if name and name not in NAMES])


def _names(file: Path, row: list[str]) -> list[str]:
    names = [_name(cell) for cell in row]
    known = [NAMES[name] for name in names if name in NAMES]
    if not {"event_id", "action_id"} & set(known) or "label" not in known:
        requirement = "its first line has to name the columns, `event_id` (or `action_id`) and `label` among them"
        raise RecordingError(f"{file}: {requirement}; nothing has been published")
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise RecordingError(f"{file} has two columns for {', '.join(twice)}; nothing has been published")
    return names


def _name(cell: str) -> str:
    return re.sub(r"[\s_-]+", "_", cell.strip().lower())


def _line(number: int, names: list[str], row: list[str], dates: Dates | None) -> Line:
    if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
        return Line(number, {}, f"it has {len(row)} cells for {len(names)} columns")
    cells = {NAMES[name]: cell.strip() for name, cell in zip(names, row, strict=False) if name in NAMES}
    document: dict[str, object] = {name: cell for name, cell in cells.items() if cell}
    if "label" in document:
        verdict = " ".join(cells["label"].lower().split())
        document["label"] = VERDICTS.get(verdict, verdict)
    wrong = []
    for name, read in (("ts", lambda cell: _time(cell, dates)), ("propensity", _share)):
        try:
            if name in document:
                document[name] = read(cells[name])
        except ValueError as error:
            del document[name]
            wrong.append(str(error))
    return Line(number, document, "; ".join(wrong))


def _time(text: str, dates: Dates | None) -> int | str:
    """Milliseconds since 1970, or ISO 8601 as it is. Times without a zone are UTC. Raises ValueError."""
    if _NUMBER.fullmatch(text):
        return int(text)
    if "/" in text and dates is None:
        raise ValueError(f"`ts` {text[:40]!r} may be read in two ways: say `--dates us` (month first) or `--dates eu`")
    for day in _SLASHED[dates] if dates is not None and "/" in text else _DAY_FIRST:
        for clock in _CLOCKS:
            try:
                return round(datetime.strptime(text, day + clock).replace(tzinfo=UTC).timestamp() * 1000)
            except ValueError:
                continue
    if "/" in text:
        raise ValueError(f"`ts` {text[:40]!r} is no date with `--dates {dates}`")
    return text


def _share(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"`propensity` {text[:40]!r} is no number") from None
