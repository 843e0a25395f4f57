"""What this worker has verified last stays in force, whatever becomes of the topic: the rulebook, pauses, promotions.

A file in the worker's data directory. Nothing that is published later by somebody without a key, no compaction and no
deleted topic takes away what is in it; what a publisher signs later takes its place. Messages are kept as they were
signed, so that they can be verified again.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

_log = structlog.stdlib.get_logger("floodgate")

_FORMAT = 2

MOST_REMOVALS = 5_000
"""So many of the latest messages that take something back are kept: entries of live lists, pauses."""

_REMOVAL = b"null"


class Verified(msgspec.Struct, frozen=True):
    """A message that was accepted, as it was on a topic. `sequences`: of each signer, the number of the last message of
    the group up to this one; `offset`: this one's."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    sequences: dict[str, int]
    offset: int


class _File(msgspec.Struct, frozen=True):
    format: int
    messages: dict[str, Verified]


class _Format(msgspec.Struct, frozen=True):
    format: int


class VerifiedMessages:
    """The newest accepted message of each group, kept on disk. A file that cannot be read, or that another version has
    written, is told; the next message that is kept takes its place."""

    def __init__(self, path: Path) -> None:
        self._path, self._messages = path, dict[str, Verified]()
        try:
            data = path.read_bytes()
            written_as = msgspec.msgpack.decode(data, type=_Format).format
            if written_as != _FORMAT:
                raise ValueError(f"its format is {written_as}, known is {_FORMAT}")
            self._messages = msgspec.msgpack.decode(data, type=_File).messages
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:  # the second is also msgspec's
            _log.error("what was verified last cannot be read; the topic alone tells", file=str(path), error=str(error))

    def put(self, group: str, message: Verified) -> None:
        """Keep a message in the place of the one before. Raises OSError."""
        self._messages.pop(group, None)
        self._messages[group] = message  # the latest is the last
        if message.value == _REMOVAL:
            removals = [name for name, kept in self._messages.items() if kept.value == _REMOVAL]
            for name in removals[:-MOST_REMOVALS]:
                del self._messages[name]
        written = self._path.with_suffix(".new")
        with written.open("wb") as file:
            file.write(msgspec.msgpack.encode(_File(_FORMAT, self._messages)))
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)

    def get(self, group: str) -> Verified | None:
        """The newest accepted message of a group."""
        return self._messages.get(group)

    def drop(self, group: str) -> None:
        """Keep a group no longer, once something else is kept."""
        self._messages.pop(group, None)

    def __iter__(self) -> Iterator[tuple[str, Verified]]:
        return iter(list(self._messages.items()))
