"""What this worker has verified last stays in force, whatever becomes of the topic: the rulebook, pauses, promotions.

A file in the worker's data directory. Nothing that is published later by somebody without a key, no compaction and no
deleted topic takes away what is in it; what a publisher signs later takes its place.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

_log = structlog.stdlib.get_logger("floodgate")

_FORMAT = 1


class Verified(msgspec.Struct, frozen=True):
    """A message that was accepted. `sequence`: its signature's."""

    value: bytes
    sequence: int


class _File(msgspec.Struct, frozen=True):
    format: int
    messages: dict[str, Verified]


class VerifiedMessages:
    """The newest accepted message of each group, kept on disk. A file that cannot be read is told; the next
    message that is kept takes its place."""

    def __init__(self, path: Path) -> None:
        self._path, self._messages = path, dict[str, Verified]()
        try:
            read = msgspec.msgpack.decode(path.read_bytes(), type=_File)
            if read.format != _FORMAT:
                raise ValueError(f"its format is {read.format}, known is {_FORMAT}")
            self._messages = read.messages
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:  # the second is also msgspec's
            _log.error("what was verified last cannot be read; the topic alone tells", file=str(path), error=str(error))

    def sequence(self, group: str) -> int:
        """The sequence number of the newest message of a group; 0 before any."""
        known = self._messages.get(group)
        return known.sequence if known is not None else 0

    def put(self, group: str, value: bytes, sequence: int) -> None:
        """Keep a message in the place of the one before. Raises OSError."""
        self._messages[group] = Verified(value, sequence)
        written = self._path.with_suffix(".new")
        with written.open("wb") as file:
            file.write(msgspec.msgpack.encode(_File(_FORMAT, self._messages)))
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)

    def __iter__(self) -> Iterator[tuple[str, Verified]]:
        return iter(list(self._messages.items()))
