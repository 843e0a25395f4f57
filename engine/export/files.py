"""The files of a table. Their names say which offsets they have, so they are the record of what is exported.

    decisions/day=2026-03-02/hour=11/00003-000000004100-000000004571.parquet

has partition 3 from offset 4100 to 4571, both included. A file comes under its name whole or not at all. So whatever
kills the process, what has been exported is what is there, and the next one goes on behind it.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
from fsspec.implementations.local import LocalFileSystem

from engine.errors import SettingsError, StoreError

_NAME = re.compile(r"(\d{5,})-(\d{12,})-(\d{12,})\.parquet")
_HOUR = re.compile(r"day=(\d{4}-\d\d-\d\d)/hour=(\d\d)")
HOUR_MS = 3_600_000


class Span(NamedTuple):
    """What a file has: offsets `first` to `last` of a partition, published about an hour (epoch hours)."""

    hour: int
    partition: int
    first: int
    last: int

    @property
    def path(self) -> str:
        """Below the table."""
        at = datetime.fromtimestamp(self.hour * 3_600, UTC)
        return f"day={at:%Y-%m-%d}/hour={at:%H}/{self.partition:05}-{self.first:012}-{self.last:012}.parquet"


def filesystem(to: str) -> tuple[Any, str]:
    """Where `export.to` is, and its path there. Raises SettingsError."""
    try:
        fs, root = fsspec.core.url_to_fs(to)
    except (ImportError, ValueError) as error:
        raise SettingsError(f"`export.to` cannot be used: {error}") from error
    return fs, root


class Table:
    """A table's directory, wherever fsspec finds it. Raises SettingsError where it cannot."""

    def __init__(self, to: str, name: str) -> None:
        self.fs, root = filesystem(to)
        self.root = f"{root.rstrip('/')}/{name}"

    def spans(self) -> Iterator[Span]:
        """All files, the latest hours first."""
        for day in self._inside(self.root):
            for hour in self._inside(day):
                yield from self._spans_in(hour)

    def ends(self, partitions: int) -> dict[int, Span]:
        """The last file of each partition. Hours never go back within one, so not all of them are looked at."""
        last: dict[int, Span] = {}
        hour = None
        for span in self.spans():
            if hour is not None and span.hour != hour and len(last) >= partitions:
                break
            hour = span.hour
            known = last.get(span.partition)
            if known is None or span.last > known.last:
                last[span.partition] = span
        return last

    def write(self, span: Span, data: bytes) -> None:
        """Put a file there: whole, or not at all. Raises StoreError where some of its messages are in another one: no
        lock keeps a second process from a store of objects."""
        path = f"{self.root}/{span.path}"
        if isinstance(self.fs, LocalFileSystem):
            _write_local(Path(path), data)
            return
        for other in self._spans_in(path.rpartition("/")[0]):
            if other.partition == span.partition and other.last >= span.first and other.first <= span.last:
                raise StoreError(f"{path} would have what {other.path} has: does another process export there?")
        self.fs.pipe_file(path, data)  # an object comes into being when all of it is there

    def open(self, span: Span) -> Any:
        """A file, to be read."""
        return self.fs.open(f"{self.root}/{span.path}", "rb")

    def _inside(self, path: str) -> list[str]:
        self.fs.invalidate_cache()
        try:
            found: list[str] = self.fs.ls(path, detail=False)
        except FileNotFoundError:
            return []
        return sorted((one.rstrip("/") for one in found), reverse=True)

    def _spans_in(self, hour_path: str) -> Iterator[Span]:
        hour = _HOUR.search(hour_path)
        if hour is None:
            return
        at = datetime.strptime(f"{hour[1]} {hour[2]} +0000", "%Y-%m-%d %H %z")
        for path in self._inside(hour_path):
            name = _NAME.fullmatch(path.rpartition("/")[2])
            if name is not None:
                yield Span(int(at.timestamp()) // 3_600, *map(int, name.groups()))


def _write_local(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name[:5]}-*.new"):  # by a process that was killed
        left.unlink(missing_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def disagreements(spans: Any) -> Iterator[str]:
    """Where the files of a table overlap, or leave offsets out."""
    reached: dict[int, Span] = {}
    for span in sorted(spans, key=lambda one: (one.partition, one.first, one.last)):
        before = reached.get(span.partition)
        if before is not None and span.first <= before.last:
            yield f"{span.path} and {before.path} have the same offsets"
        elif before is not None and span.first > before.last + 1:
            yield f"offsets {before.last + 1} to {span.first - 1} of partition {span.partition} are in no file"
        if before is None or span.last > before.last:
            reached[span.partition] = span
