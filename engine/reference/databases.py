"""Databases of networks (MaxMind DB), in files of one directory. A file that is replaced is opened anew."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.core.domain.reference import Lookup, Row, row_of
from engine.core.values.networks import address_of

_MAX_ADDRESS_CHARS = 64
_REMEMBERED = 16_384
"""So many addresses of one lookup: most events come from few."""


class _Stamp(NamedTuple):
    """What tells one file of a name from the next."""

    inode: int
    size: int
    changed_ns: int


class _Database(NamedTuple):
    reader: Any
    stamp: _Stamp
    built: datetime


class Databases:
    """Those of a directory that lookups name. `errors`: of files that cannot be read."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._named: frozenset[str] = frozenset()
        self._open: dict[str, _Database] = {}
        self._refused: dict[str, _Stamp] = {}
        self.errors: dict[str, str] = {}
        self._finders: dict[tuple[str, str], Callable[[str], Row | None]] = {}
        self._lookups: tuple[Lookup, ...] = ()

    def use(self, lookups: Iterable[Lookup]) -> None:
        """Have the databases of these lookups from now on, as far as they are there."""
        self._lookups = tuple(lookup for lookup in lookups if lookup.kind == "mmdb")
        self._named = frozenset(lookup.source for lookup in self._lookups)
        self._open = {name: database for name, database in self._open.items() if name in self._named}
        self.refresh()
        self._finders = {(lookup.source, lookup.key): self._finder(lookup) for lookup in self._lookups}

    def refresh(self) -> list[str]:
        """Open what has come, or is another file than before. Returns the names of these. What cannot be read is left
        out: the file before it stays in use."""
        opened = [name for name in sorted(self._named) if self._open_if_new(name)]
        if opened:
            self._finders = {(lookup.source, lookup.key): self._finder(lookup) for lookup in self._lookups}
        return opened

    def missing(self) -> list[str]:
        """Those that are not there."""
        return sorted(self._named - self._open.keys())

    def built(self) -> Mapping[str, datetime]:
        """When those that are there were built."""
        return {name: database.built for name, database in self._open.items()}

    def find(self, lookup: Lookup, key: str) -> Row | None:
        """What the database says of an address; None where it is none, or nothing is known of it."""
        finder = self._finders.get((lookup.source, lookup.key))
        return finder(key) if finder is not None and len(key) <= _MAX_ADDRESS_CHARS else None

    def version(self, source: str) -> str | None:
        """The day on which a database was built."""
        database = self._open.get(source)
        return database.built.date().isoformat() if database is not None else None

    def _finder(self, lookup: Lookup) -> Callable[[str], Row | None]:
        database, sources = self._open.get(lookup.source), [column.source for column in lookup.columns]

        @lru_cache(_REMEMBERED)
        def find(address: str) -> Row | None:
            if database is None:
                return None
            try:
                record = database.reader.get(address_of(address))
            except Exception:  # no address, or of a version that the database has none of, or a damaged record
                return None
            return row_of(record, sources) if isinstance(record, dict) else None

        return find

    def _open_if_new(self, name: str) -> bool:
        path, known = self._directory / name, self._open.get(name)
        if Path(name).name != name:  # a rulebook names files and no paths
            return False
        try:
            found = path.stat()
        except OSError:
            return False  # one that was there stays in use
        stamp = _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp in (known.stamp if known is not None else None, self._refused.get(name)):
            return False
        from maxminddb import open_database  # noqa: PLC0415  # where no rulebook names one, it is not needed

        try:
            reader = open_database(path)
            built = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
        except Exception as error:  # whatever is wrong with a file, nothing stops for it
            self._refused[name] = stamp
            self.errors[name] = str(error)
            return False
        self.errors.pop(name, None)
        self._open[name] = _Database(reader, stamp, built)
        return True
