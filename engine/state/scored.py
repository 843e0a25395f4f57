"""Pieces of scored events, found again by event, and the verdicts given on these events.

A piece is one entry for a whole batch, so that keeping what was scored costs one changelog message for
hundreds of events. Its header names its events; where it enters the database, an index entry for each
of them is written along (`index_entries`), which needs no place in the changelog.
"""

import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PIECE = b"s"
"""Key prefix of pieces: s + topic (0 events, 1 hops) + a hash of its events."""
INDEX = b"x"
"""Key prefix of the index: x + event key + topic. The value is the rest of the piece's key."""
VERDICT = b"v"
"""Key prefix of verdicts: v + event key."""

_COUNT = struct.Struct("<I")
_EVENT = struct.Struct("<Q")

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes it."""


class Reader(Protocol):
    """What is asked of the database."""

    def get(self, key: Any) -> Any:
        """One value, or None where there is none."""


class ScoredPieces:
    """One partition's pieces and verdicts. What is under way to the database is kept in memory until `settle`."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, tuple[bytes, int]] = {}
        self._verdicts: dict[bytes, tuple[bytes, int]] = {}

    def put(self, topic: int, keys: NDArray[np.uint64], payload: bytes) -> Change:
        """Keep a piece with its events' keys. `topic`: which batch they were scored in, as an event may be scored
        twice, at home and when it is back from its journey."""
        events = keys.astype("<u8").tobytes()
        # Named after its events: a batch that is repeated in part after a crash must not replace the whole one.
        name = PIECE + bytes([topic]) + blake2b(events, digest_size=8).digest()
        return _keep(self._pieces, name, _COUNT.pack(len(keys)) + events + payload)

    def find(self, database: Reader, key: int) -> list[bytes]:
        """The pieces that have an event: at most one from each topic."""
        found = {suffix[0]: database.get(PIECE + suffix) for suffix in self._suffixes(database, _EVENT.pack(key))}
        for name, (value, _) in self._pieces.items():
            if name[1] not in found and _has(value, key):  # under way; scored again, it would say the same
                found[name[1]] = value
        return [_payload(value) for value in found.values() if value is not None]

    def put_verdict(self, key: int, verdict: str) -> Change:
        """Note the newest verdict on an event."""
        return _keep(self._verdicts, VERDICT + _EVENT.pack(key), verdict.encode())

    def verdict(self, database: Reader, key: int) -> str | None:
        """The newest verdict on an event."""
        name = VERDICT + _EVENT.pack(key)
        stored = self._verdicts[name][0] if name in self._verdicts else database.get(name)
        return stored.decode() if stored is not None else None

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database."""
        for name, _ in changes:
            pending = self._pieces if name.startswith(PIECE) else self._verdicts
            value, writes = pending.pop(name)
            if writes > 1:
                pending[name] = (value, writes - 1)

    def _suffixes(self, database: Reader, event: bytes) -> list[bytes]:
        found = [database.get(INDEX + event + bytes([topic])) for topic in (0, 1)]
        return [suffix for suffix in found if suffix is not None]


def index_entries(name: bytes, value: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What is written along with a piece."""
    suffix, topic = name[1:], name[1:2]
    (count,) = _COUNT.unpack_from(value)
    for start in range(_COUNT.size, _COUNT.size + 8 * count, 8):
        yield INDEX + value[start : start + 8] + topic, suffix


def _keep(pending: dict[bytes, tuple[bytes, int]], name: bytes, value: bytes) -> Change:
    _, writes = pending.get(name, (value, 0))
    pending[name] = (value, writes + 1)
    return name, value


def _has(value: bytes, key: int) -> bool:
    (count,) = _COUNT.unpack_from(value)
    return bool((np.frombuffer(value, "<u8", count, _COUNT.size) == np.uint64(key)).any())


def _payload(value: bytes) -> bytes:
    (count,) = _COUNT.unpack_from(value)
    return value[_COUNT.size + 8 * count :]
