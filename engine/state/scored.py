"""Pieces of scored events, found again by event, and the verdicts given on these events.

A piece is one entry for a whole batch, so that keeping what was scored costs one changelog message for
hundreds of events. Its header names its events, and by their hashes their users; where it enters the
database, an index entry for each event is written along (`index_entries`), which needs no place in the changelog.
"""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import StateError

PIECE = b"s"
"""Key prefix of pieces: s + topic (0 events, 1 hops) + a hash of its events."""
INDEX = b"x"
"""Key prefix of the index: x + event key + topic. The value is the rest of the piece's key."""
VERDICT = b"v"
"""Key prefix of verdicts: v + event key."""
ACTION = b"a"
"""Key prefix of what actions are about: a + hash of the action's id. The value is the event's id."""

_COUNT = struct.Struct("<I")
_EVENT = struct.Struct("<Q")

TOPICS = (0, 1)
"""Events and hops, as pieces are told apart by."""

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes it."""

Without = Callable[[memoryview, Collection[int]], bytes]
"""Makes of a piece's payload that of the events that are kept."""


class Reader(Protocol):
    """What is asked of the database."""

    def get(self, key: Any) -> Any:
        """A list of values for a list of keys; None where there is none."""


class ScoredPieces:
    """One partition's pieces and verdicts. What is under way to the database is kept in memory until `settle`."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, tuple[bytes | None, int]] = {}
        self._verdicts: dict[bytes, tuple[bytes | None, int]] = {}

    def put(self, topic: int, keys: NDArray[np.uint64], users: NDArray[np.uint64], payload: bytes) -> Change:
        """Keep a piece with its events' keys, and hashes of their users. `topic`: which batch they were scored in, as
        an event may be scored twice, at home and when it is back from its journey."""
        # Named after its events: a batch that is repeated in part after a crash must not replace the whole one.
        name = PIECE + bytes([topic]) + blake2b(keys.astype("<u8").tobytes(), digest_size=8).digest()
        return _keep(self._pieces, name, _piece(keys, users, payload))

    def find(self, database: Reader, keys: Iterable[int]) -> list[tuple[bytes, list[int]]]:
        """The pieces that have some of these events, each with those: an event is in at most one from each topic.
        `payload_of` tells what is in a piece."""
        places = [(key, topic) for key in dict.fromkeys(keys) for topic in TOPICS]
        suffixes = database.get([INDEX + _EVENT.pack(key) + bytes([topic]) for key, topic in places])
        asked: dict[bytes, list[int]] = {}
        for (key, topic), suffix in zip(places, suffixes, strict=True):
            name = PIECE + suffix if suffix is not None else self._under_way(key, topic)
            if name is not None:
                asked.setdefault(name, []).append(key)
        names = [name for name in asked if name not in self._pieces]
        found = dict(zip(names, database.get(names) if names else [], strict=True))
        found.update({name: self._pieces[name][0] for name in asked if name in self._pieces})
        return [(found[name], asked[name]) for name in asked if found[name] is not None]

    def put_verdict(self, key: int, verdict: str) -> Change:
        """Note the newest verdict on an event."""
        return _keep(self._verdicts, verdict_name(key), verdict.encode())

    def verdicts(self, database: Reader, keys: Sequence[int]) -> dict[int, str]:
        """The newest verdicts on these events, where there are any."""
        names = [verdict_name(key) for key in keys]
        stored = dict(zip(names, database.get(names), strict=True))
        stored.update({name: self._verdicts[name][0] for name in names if name in self._verdicts})
        found = ((key, stored[name]) for key, name in zip(keys, names, strict=True))
        return {key: verdict.decode() for key, verdict in found if verdict is not None}

    def drop(self, database: Reader, name: bytes, user: int, without: Without) -> Change:
        """Take a user's events out of a piece; without any left it is deleted, and so is one that is damaged. `without`
        does that to its payload."""
        value: bytes = (self._pieces[name][0] if name in self._pieces else database.get([name])[0]) or b""
        try:
            stays = users_of(value) != np.uint64(user)
            keys = events_of(value)[stays]
            payload = without(payload_of(value), keys.tolist())
        except StateError:
            return _keep(self._pieces, name, None)
        return _keep(self._pieces, name, _piece(keys, users_of(value)[stays], payload) if len(keys) else None)

    def put_action(self, action_id: str, event_id: str) -> Change:
        """Note which event an action is about."""
        return _keep(self._verdicts, action_name(action_id), event_id.encode())

    def events_of_actions(self, database: Reader, action_ids: Iterable[str]) -> dict[str, str]:
        """The events that these actions are about, where they are known."""
        names = {action_id: action_name(action_id) for action_id in action_ids}
        stored = dict(zip(names.values(), database.get(list(names.values())), strict=True)) if names else {}
        stored.update({name: self._verdicts[name][0] for name in stored if name in self._verdicts})
        found = ((action_id, stored[name]) for action_id, name in names.items())
        return {action_id: event_id.decode() for action_id, event_id in found if event_id is not None}

    def drop_verdict(self, name: bytes) -> Change:
        """Forget the verdict on an event, or which event an action is about."""
        return _keep(self._verdicts, name, None)

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database."""
        for name, _ in changes:
            pending = self._pieces if name.startswith(PIECE) else self._verdicts
            value, writes = pending.pop(name)
            if writes > 1:
                pending[name] = (value, writes - 1)

    def _under_way(self, key: int, topic: int) -> bytes | None:
        """The name of a piece that is not in the database yet. One that is scored again says what is there already."""
        under_way = ((name, value) for name, (value, _) in self._pieces.items() if name[1] == topic)
        return next((name for name, value in under_way if value is not None and _has(value, key)), None)


def index_entries(name: bytes, value: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What is written along with a piece."""
    suffix, topic = name[1:], name[1:2]
    (count,) = _COUNT.unpack_from(value)
    for start in range(_COUNT.size, _COUNT.size + 8 * count, 8):
        yield INDEX + value[start : start + 8] + topic, suffix


def action_name(action_id: str) -> bytes:
    """Where it is kept what an action is about."""
    return ACTION + blake2b(action_id.encode(), digest_size=8).digest()


def verdict_name(key: int) -> bytes:
    """Where the verdict on an event is kept."""
    return VERDICT + _EVENT.pack(key)


def _keep(pending: dict[bytes, tuple[bytes | None, int]], name: bytes, value: bytes | None) -> Change:
    _, writes = pending.get(name, (value, 0))
    pending[name] = (value, writes + 1)
    return name, value


def _piece(keys: NDArray[np.uint64], users: NDArray[np.uint64], payload: bytes) -> bytes:
    return _COUNT.pack(len(keys)) + keys.astype("<u8").tobytes() + users.astype("<u8").tobytes() + payload


def events_of(value: bytes) -> NDArray[np.uint64]:
    """The keys of the events of a piece. Raises StateError."""
    return _columns(value)[0]


def users_of(value: bytes) -> NDArray[np.uint64]:
    """Hashes of the users of the events of a piece. Raises StateError."""
    return _columns(value)[1]


def _columns(value: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    try:
        (count,) = _COUNT.unpack_from(value)
        both = np.frombuffer(value, "<u8", 2 * count, _COUNT.size)
        return both[:count], both[count:]
    except (struct.error, ValueError) as error:
        raise StateError(f"a piece of {len(value)} bytes cannot be read: {error}") from error


def _has(value: bytes, key: int) -> bool:
    return bool((events_of(value) == np.uint64(key)).any())


def payload_of(value: bytes) -> memoryview:
    """What a piece holds of its events. Raises StateError."""
    return memoryview(value)[_COUNT.size + 16 * len(events_of(value)) :]
