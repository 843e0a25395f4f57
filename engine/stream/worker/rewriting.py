"""Files lose what their databases have lost.

RocksDB appends: what is deleted or written anew stays in its files until a compaction comes by, which may be never. So
databases in which somebody was forgotten are rewritten, each once in an interval, piece by piece in a thread. Between
two pieces it is looked whether the database is still this worker's: Faust closes one by letting go of it, and it stays
locked while a piece is under way.

A database that nobody uses hears of nobody who is forgotten. When it has not been used for a day it goes: the changelog
has it all.
"""

import asyncio
import fcntl
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from engine.state.store import FORGOTTEN

_log = structlog.stdlib.get_logger("floodgate")

UNUSED_S = 24 * 3_600.0
"""So long a partition that has moved away may be back with little to recover."""

_GONE = ".gone"

Piece = tuple[bytes | None, bytes | None]
"""The first and the last key; None is the end of all."""


class Rewriting:
    """What becomes of a worker's databases. `table`: Faust's, of the entities."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._unused_since_s: dict[Path, float] = {}

    async def look(self) -> None:
        """Rewrite those in which somebody was forgotten, one after the other. Set aside those that nobody uses; they
        are removed at the next look."""
        for partition in sorted(self._open):
            if self._forgotten(partition) is not None:
                await self._rewrite(partition)
        for path in self._directory.glob(f"*{_GONE}"):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        self._set_aside_unused(time.monotonic())

    @property
    def _open(self) -> dict[int, Any]:
        found: dict[int, Any] = self._table.data._dbs
        return found

    @property
    def _directory(self) -> Path:
        path: Path = self._table.data.partition_path(0)
        return path.parent

    def _forgotten(self, partition: int) -> bytes | None:
        """When somebody was forgotten last, as an offset of the changelog; None where all files have lost them."""
        database = self._open.get(partition)
        found: bytes | None = database.get(FORGOTTEN) if database is not None else None
        return found

    def _is_open(self, partition: int, database: Any) -> bool:
        return self._open.get(partition) is database

    async def _rewrite(self, partition: int) -> None:
        database = self._open[partition]
        forgotten, began_s = self._forgotten(partition), time.monotonic()
        await asyncio.to_thread(database.flush)  # which ends the log as well
        for begin, end in pieces(database.live_files()):
            if not self._is_open(partition, database):
                return
            await asyncio.to_thread(database.compact_range, begin, end)
        if self._is_open(partition, database) and self._forgotten(partition) == forgotten:
            database.delete(FORGOTTEN)  # else somebody was forgotten meanwhile
        await asyncio.to_thread(database.flush)  # and the list of files is written without those of before
        took_s = round(time.monotonic() - began_s, 3)
        _log.info("a database is rewritten without those who were forgotten", partition=partition, seconds=took_s)

    def _set_aside_unused(self, now_s: float) -> None:
        used = {self._table.data.partition_path(partition) for partition in self._open}
        unused = set(self._directory.glob("*.db")) - used
        self._unused_since_s = {path: self._unused_since_s.get(path, now_s) for path in unused}
        for path, since_s in self._unused_since_s.items():
            if now_s - since_s >= UNUSED_S and not _is_locked(path):
                _log.info("a database that nobody uses is removed: the changelog has it all", database=path.name)
                with suppress(OSError):  # one of before is not gone yet
                    path.rename(path.with_suffix(_GONE))


def pieces(files: Iterable[Mapping[str, Any]]) -> Iterator[Piece]:
    """All keys in pieces of about one file of the lowest level each, as RocksDB tells of its files."""
    known = list(files)
    lowest = max((file["level"] for file in known), default=0)
    begin = None
    for end in sorted(file["end_key"] for file in known if file["level"] == lowest)[:-1]:
        yield begin, end
        begin = end + b"\0"
    yield begin, None


def _is_locked(path: Path) -> bool:
    """Whether another process has the database open; workers that share a directory are not asked for, but happen."""
    with suppress(FileNotFoundError), (path / "LOCK").open("r+b") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
