"""What becomes one file."""

import io
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq

from engine.export.columns import Columns
from engine.export.files import HOUR_MS, Span
from engine.export.gathering import Gathering

HOUR = 492_347
NOW_S = (HOUR + 5) * 3_600.0


def record(offset: int, ms: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=ms, value=b"12345")


def gathering(at: int = 0, hour: int = 0, clock: list[float] | None = None) -> Gathering:
    return Gathering(Columns("actions"), 2, at, hour, lambda: (clock or [0.0])[0], lambda: NOW_S)


def test_a_file_has_what_is_of_one_hour_from_the_last_file_on() -> None:
    one = gathering(at=10)
    assert one.is_empty
    assert one.fits(HOUR * HOUR_MS)
    one.add(record(12, HOUR * HOUR_MS + 5), {"action_id": "a"})
    assert one.fits((HOUR + 1) * HOUR_MS - 1)
    assert not one.fits((HOUR + 1) * HOUR_MS)
    one.add(record(13, HOUR * HOUR_MS + 9), None)
    one.add(record(14, HOUR * HOUR_MS + 9), {"action_id": "b"})
    assert (one.rows, one.bytes, one.at, one.first) == (2, 10, 15, 10)
    span, data = one.take()
    assert span == Span(HOUR, 2, 10, 14)
    rows = pq.read_table(io.BytesIO(data)).to_pylist()
    assert [(row["kafka_offset"], row["action_id"]) for row in rows] == [(12, "a"), (14, "b")]
    assert one.is_empty
    assert (one.rows, one.bytes, one.first) == (0, 0, 15)


def test_hours_do_not_go_back_and_are_not_ahead_of_the_clock() -> None:
    one = gathering(hour=HOUR)
    assert one.hour_of((HOUR - 9) * HOUR_MS) == HOUR
    assert one.hour_of(-1) == HOUR
    assert one.hour_of((HOUR + 99) * HOUR_MS) == HOUR + 5
    one.add(record(0, (HOUR + 1) * HOUR_MS), {})
    assert one.fits(HOUR * HOUR_MS)
    one.add(record(1, HOUR * HOUR_MS), {})
    assert one.take()[0] == Span(HOUR + 1, 2, 0, 1)


def test_it_is_due_by_number_and_by_time() -> None:
    clock = [0.0]
    one = gathering(clock=clock)
    clock[0] = 99.0
    assert not one.is_due(1, 5)
    one.add(record(0, 0), None)
    assert one.is_due(1, 5)
    assert not one.is_due(2, 5)
    clock[0] = 104.0
    assert one.is_due(2, 5)


def test_a_file_without_rows_says_that_there_was_nothing_to_take() -> None:
    one = gathering()
    one.add(record(0, 0), None)
    span, data = one.take()
    assert span == Span(0, 2, 0, 0)
    assert pq.read_table(io.BytesIO(data)).num_rows == 0
