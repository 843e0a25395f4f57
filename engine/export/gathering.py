"""Rows that wait to become a file: those of one partition, published in one hour."""

import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.export.columns import Columns
from engine.export.files import HOUR_MS, Span


class Gathering:
    """One partition. `at`: its next offset; `first`: up to which there are files; `hour`: of the last file, as hours do
    not go back. `clock`: seconds that only rise; `now`: epoch seconds, as no hour is later."""

    def __init__(
        self, columns: Columns, partition: int, at: int, hour: int = 0, clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._columns, self._partition, self._clock, self._now = columns, partition, clock, now
        self._rows: list[dict[str, Any]] = []
        self.first = self.at = at
        self._hour, self._begun_s = hour, 0.0
        self.bytes = 0

    def hour_of(self, published_ms: int) -> int:
        """The hour that a record belongs to: its own, but not before what came before it, and not ahead of the clock:
        one wrong clock would take all that follow along."""
        return max(self._hour, min(published_ms // HOUR_MS, int(self._now()) // 3_600))

    def fits(self, published_ms: int) -> bool:
        """Whether a record belongs to the hour of those that wait."""
        return self.at == self.first or self.hour_of(published_ms) == self._hour

    def add(self, record: Any, document: Mapping[str, Any] | None) -> None:
        """Take a record; None: it is passed over."""
        if self.at == self.first:
            self._begun_s = self._clock()
        self._hour = self.hour_of(record.timestamp)
        self.at = record.offset + 1
        if document is not None:
            self._rows.append(self._columns.row(self._partition, record.offset, record.timestamp, document))
            self.bytes += len(record.value)

    def is_due(self, most_rows: int, every_s: float) -> bool:
        """Whether it is to become a file now."""
        waits_s = self._clock() - self._begun_s
        return self.at > self.first and (self.at - self.first >= most_rows or waits_s >= every_s)

    @property
    def rows(self) -> int:
        """So many rows wait."""
        return len(self._rows)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self.at == self.first

    def take(self) -> tuple[Span, bytes]:
        """What waits, as a file; then nothing does. A file without rows says that there was nothing to take."""
        span = Span(self._hour, self._partition, self.first, self.at - 1)
        data = io.BytesIO()
        table = pa.Table.from_pylist(self._rows, schema=self._columns.schema)
        pq.write_table(table, data, compression="zstd")
        self._rows, self.bytes, self.first = [], 0, self.at
        return span, data.getvalue()
