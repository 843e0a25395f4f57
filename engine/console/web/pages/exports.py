"""What a search has found, as a file for other programs."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from starlette.responses import Response, StreamingResponse

from engine.console.store.search import MAX_ROWS, Question, search
from engine.console.web.pages.decisions import read_decision
from engine.console.web.pages.questions import read_question
from engine.console.web.visits import Page, Visit
from engine.errors import RequestError

MOST_EXPORTED = 20_000
_COLUMNS = ("event_id", "user_id", "ts", "type", "outcome", "score", "rules", "rulebook")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet would take for a formula; the last four in East Asian locales."""


def export_csv(visit: Visit) -> Response:
    """The decisions of a search as CSV, at most 20,000."""
    headers = {"Content-Disposition": "attachment; filename=decisions.csv"}
    return StreamingResponse(_lines(visit, read_question(visit)), media_type="text/csv", headers=headers)


def export_parquet(visit: Visit) -> Response:
    """The decisions of a search as Parquet, at most 20,000. Needs the extra `features`."""
    try:
        import pyarrow  # noqa: PLC0415  # an extra
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise RequestError("Parquet needs pyarrow: pip install 'floodgate[features]'; CSV does without") from error
    rows = list(_rows(visit, read_question(visit)))
    table = pyarrow.table({name: [row[place] for row in rows] for place, name in enumerate(_COLUMNS)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    headers = {"Content-Disposition": "attachment; filename=decisions.parquet"}
    return Response(buffer.getvalue(), media_type="application/vnd.apache.parquet", headers=headers)


def _lines(visit: Visit, question: Question) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for row in _rows(visit, question):
        writer.writerow([_harmless(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _rows(visit: Visit, question: Question) -> Iterator[tuple[Any, ...]]:
    written = 0
    while written < MOST_EXPORTED:
        with visit.store.read() as connection:
            found = search(connection, question, MAX_ROWS)
        for row in found.rows:
            document = read_decision(row)
            yield (*(document[name] for name in _COLUMNS[:6]), document["why"], document["rulebook"])
        written += len(found.rows)
        if len(found.rows) < MAX_ROWS:
            return
        question = replace(question, before=(found.rows[-1].ts, found.rows[-1].id))


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet takes for a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


PAGES = (
    Page("/decisions.csv", "decisions_csv", export_csv),
    Page("/decisions.parquet", "decisions_parquet", export_parquet),
)
