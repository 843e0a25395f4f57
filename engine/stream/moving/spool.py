"""One partition of the state on this machine's disk, while it is being parted: the newest value of each key, in order.

Beside it stands what is found out about where things belong, under names that no key of the state begins with.
"""

import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from rocksdict import Options, Rdict, WriteBatch

from engine.errors import StateError
from engine.stream.kafka.bounded_records import refusal_of

_PLACES = b"\x00"
_STATE = b"\x01"
"""All keys of the state lie behind it."""
_TIME, _PLACE = struct.Struct("<q"), struct.Struct("<i")
_AT_ONCE = 1_000
_LEAST_FREE_BYTES = 256 << 20


class Kept(NamedTuple):
    """A key of the state, its value, and when that was written."""

    key: bytes
    value: bytes
    written_ms: int


class Spool:
    """A database that is gone when it is closed."""

    def __init__(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)  # of an attempt that was interrupted
        directory.mkdir(parents=True)
        self._directory = directory
        self._database: Any = Rdict(str(directory), options=Options(raw_mode=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def fill(self, records: Iterable[Any]) -> None:
        """Take all records of a changelog in their order. Raises StateError."""
        coming = iter(records)
        while some := list(islice(coming, _AT_ONCE)):
            free = shutil.disk_usage(self._directory).free
            if free < _LEAST_FREE_BYTES:
                raise StateError(f"{self._directory} has {free >> 20} MB left: set `data_dir` to where there is more")
            batch = WriteBatch(raw_mode=True)
            for record in some:
                if refusal_of(record) is not None:
                    raise StateError(f"offset {record.offset} of {record.topic} cannot be read: state would be missing")
                if record.value is None:
                    batch.delete(record.key)
                else:
                    batch.put(record.key, _TIME.pack(record.timestamp) + record.value)
            self._database.write(batch)

    def items(self, prefix: bytes = b"") -> Iterator[Kept]:
        """What is kept, in the order of its keys: what begins with `prefix`."""
        for key, value in self._database.items(from_key=prefix or _STATE):
            if not key.startswith(prefix):
                return
            yield Kept(key, value[_TIME.size :], *_TIME.unpack_from(value))

    def get(self, key: bytes) -> bytes | None:
        """The value of one key."""
        value = self._database.get(key)
        return value[_TIME.size :] if value is not None else None

    def place(self, places: Mapping[bytes, int]) -> None:
        """Note in which partitions things are from now on."""
        batch = WriteBatch(raw_mode=True)
        for name, partition in places.items():
            batch.put(_PLACES + name, _PLACE.pack(partition))
        self._database.write(batch)

    def places_of(self, names: Sequence[bytes]) -> list[int | None]:
        """In which partitions these are, as far as that has been noted."""
        found = self._database.get([_PLACES + name for name in names]) if names else []
        return [_PLACE.unpack(value)[0] if value is not None else None for value in found]
