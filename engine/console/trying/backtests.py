"""Backtests of a draft over recorded events, beside the rulebook in use."""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from engine.backtest.page import page
from engine.backtest.run import backtest
from engine.console.trying.jobs import Tell
from engine.errors import RequestError
from engine.reference.recorded import RecordedTables
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin.given import GivenLabels
from engine.stream.control.lists import show_in
from engine.stream.control.promotions import held_back, read_promotions
from engine.stream.control.rulebooks import read_paused
from engine.stream.control.table_rows import read_tables
from engine.stream.handlers.label_messages import translate_label
from engine.stream.kafka.records import Recorded, read_since

MOST_EVENTS = 200_000
"""Of more, the latest are tried."""

HOUR_MS = 3_600_000


def try_draft(settings: Settings, task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Try a rulebook; what came of it as `comparison`, and as a page of its own as `page`. The task: `new`, `old` (the
    files by name; None: nothing to compare with), `hours` of the topic, or `events` and `labels` as JSON Lines."""
    new, old = load_rulebook(task["new"]), load_rulebook(task["old"]) if task["old"] else None
    events, labels, tables = _recorded(settings, task)
    if not events:
        raise RequestError("there are no events to try it on: take a longer time, or a file")
    if task.get("events") is None:  # as they would act now
        promotions, paused = read_promotions(settings), read_paused(settings)
        new = held_back(new, promotions).pausing(paused)
        old = held_back(old, promotions).pausing(paused) if old is not None else None
        for rulebook in (new, old):
            if rulebook is not None:
                show_in(settings, rulebook)
        tables = read_tables(settings, new, {})
    tell(0, len(events), {})
    comparison = backtest(new, old, events, labels, settings, lambda count: tell(count, len(events), {}), tables=tables)
    return {"comparison": to_builtins(comparison), "page": page(comparison, task["title"])}


def lines_of(text: bytes) -> list[bytes]:
    """JSON Lines, without empty ones."""
    return [line for line in (line.strip() for line in text.splitlines()) if line]


def _recorded(
    settings: Settings, task: Mapping[str, Any]
) -> tuple[list[bytes | Recorded], list[bytes], RecordedTables | None]:  # fmt: skip
    if task.get("events") is not None:
        mapping = settings.labels.mapping()
        labelled = [translate_label(line, mapping) for line in lines_of(task.get("labels") or b"")]
        return [*lines_of(task["events"])], labelled, RecordedTables({})
    span_ms, topics = task["hours"] * HOUR_MS, settings.topics
    labels = read_since(settings, topics.labels, span_ms, MOST_EVENTS, GivenLabels(settings).value_of)
    return [*read_since(settings, topics.events, span_ms, MOST_EVENTS)], [label.value for label in labels], None
