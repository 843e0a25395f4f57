"""Blocks of scored events, found again by event, and the verdicts given on these events.

A block is one entry for a whole batch, so that keeping what was scored costs one changelog message for
hundreds of events. Its header has the identities of its events (hashes of user, type and id), and hashes of their users
and of their ids; where it enters the database, an index entry for each event is written along (`index_entries`), which
needs no place in the changelog. A label names its event by the id, which users may share: the index leads from an id to
all events that have it.

    block   count u32 | count x u64 identities | count x u64 users | count x u64 ids | payload
"""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.state.strikes import Strike
from engine.errors import StateError
from engine.state.under_way import Pending, keep, settle

BLOCK = b"p"
"""Key prefix of blocks: p + topic (0 events, 1 hops, 2 what is kept without a score) + a hash of its events. (`s`
before events had identities.)"""
INDEX = b"y"
"""Key prefix of the index: y + hash of the event's id + identity + topic. The value is the rest of the block's key."""
VERDICT = b"v"
"""Key prefix of verdicts: v + what it is about (`labels.subject_of`)."""
ACTION = b"a"
"""Key prefix of what actions are about: a + hash of the action's id. The value is the event's identity and id."""

STRIKE = b"t"
"""Key prefix of strikes: t + hash of the action's id, as under `a`. The value is what its rule has entered on a ladder;
gone, once that is forgiven."""

CONSEQUENCE = b"x"
"""Key prefix of what followed from actions: x + hash of the action's id, as under `a`; gone, once it is taken back."""

JUDGED = b"j"
"""Key prefix of what was said of follow-ups when they entered: j + which follow-up; gone, once it is taken back."""

REPLY = b"q"
"""Key prefix of what is kept for those who ask about an event: q + the event's identity + the hash of its content."""

MAX_SAME_IDS = 64
"""Of more events that share an id, the others are not found by it."""

_COUNT = struct.Struct("<I")
_EVENT = struct.Struct("<Q")
_STRIKE = struct.Struct("<IQ")
_COLUMNS = 3

KEPT = 2
"""In place of a topic: of the blocks of events that are kept for their labels, scored or not."""

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes it."""

Without = Callable[[memoryview, Collection[int]], bytes]
"""Makes of a block's payload that of the events that are kept."""


class Reader(Protocol):
    """What is asked of the database."""

    def get(self, key: Any) -> Any:
        """A list of values for a list of keys; None where there is none."""

    def items(self, *, from_key: Any = None) -> Iterator[tuple[Any, Any]]:
        """Keys and values in order, from a key on."""


class ScoredKeys(NamedTuple):
    """The events of a block: their identities, and the hashes of their users and of their ids."""

    identities: NDArray[np.uint64]
    users: NDArray[np.uint64]
    ids: NDArray[np.uint64]

    def select(self, rows: Any) -> "ScoredKeys":
        """Some of them: places, a slice or a mask."""
        return ScoredKeys(*(column[rows] for column in self))


class Found(NamedTuple):
    """A scored event: its identity, the hash of its user, and the name of the block that it is in."""

    identity: int
    user: int
    block: bytes

    @property
    def is_kept(self) -> bool:
        """Whether the block has events as they came, and not as they were scored."""
        return is_kept(self.block)


class ScoredBlocks:
    """One partition's blocks and verdicts. What is under way to the database is kept in memory until `settle`."""

    def __init__(self) -> None:
        self._blocks: Pending = {}
        self._verdicts: Pending = {}

    def put(self, topic: int, events: ScoredKeys, payload: bytes) -> Change:
        """Keep a block of these events. `topic`: which batch they were scored in, as an event may be scored twice, at
        home and when it is back from its entities."""
        # Named after its events: a batch that is repeated in part after a crash must not replace the whole one.
        name = BLOCK + bytes([topic]) + blake2b(events.identities.astype("<u8").tobytes(), digest_size=8).digest()
        return keep(self._blocks, name, _block(events, payload))

    def find(self, database: Reader, ids: Iterable[int]) -> dict[int, list[Found]]:
        """The scored events with these hashed ids, by id. The same event may be in two blocks, one from each topic."""
        by_id, asked = dict[int, list[Found]](), list(dict.fromkeys(ids))
        under_way = self._entries_under_way(asked)
        for hashed_id in asked:
            prefix, scored = INDEX + _EVENT.pack(hashed_id), dict[bytes, bytes]()
            for key, value in islice(database.items(from_key=prefix), MAX_SAME_IDS):
                if not key.startswith(prefix):
                    break
                scored[key] = value
            scored.update(under_way.get(prefix, ()))  # one that is scored again says what is there already
            by_id[hashed_id] = [_read_entry(key, value, len(prefix)) for key, value in sorted(scored.items())]
        return by_id

    def _entries_under_way(self, ids: Sequence[int]) -> dict[bytes, list[tuple[bytes, bytes]]]:
        """The index entries with these hashed ids that the database may not have yet, by prefix."""
        asked, entries = np.array(ids, np.uint64), dict[bytes, list[tuple[bytes, bytes]]]()
        for name, (value, _) in self._blocks.items():
            if value is not None:
                for key, entry in index_entries(name, value, asked):
                    entries.setdefault(key[: len(INDEX) + _EVENT.size], []).append((key, entry))
        return entries

    def read(self, database: Reader, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """The blocks of these names, where they are still there. `payload_of` tells what is in one."""
        unique = list(dict.fromkeys(names))
        stored = [name for name in unique if name not in self._blocks]
        blocks = dict(zip(stored, database.get(stored) if stored else [], strict=True))
        blocks.update({name: self._blocks[name][0] for name in unique if name in self._blocks})
        return {name: value for name, value in blocks.items() if value is not None}

    def put_verdict(self, key: int, verdict: str) -> Change:
        """Note the newest verdict on an event."""
        return keep(self._verdicts, verdict_name(key), verdict.encode())

    def verdicts(self, database: Reader, keys: Sequence[int]) -> dict[int, str]:
        """The newest verdicts on these events, where there are any."""
        names = [verdict_name(key) for key in keys]
        known = self.notes(database, names)
        return {key: known[name].decode() for key, name in zip(keys, names, strict=True) if name in known}

    def drop(self, database: Reader, name: bytes, user: int, without: Without) -> Change:
        """Take a user's events out of a block; without any left it is deleted, and so is one that is damaged. `without`
        does that to its payload."""
        value: bytes = (self._blocks[name][0] if name in self._blocks else database.get([name])[0]) or b""
        try:
            left = select(value, events_of(value).users != np.uint64(user), without)
        except StateError:
            left = None
        return keep(self._blocks, name, left)

    def put_action(self, action_id: str, identity: int, event_id: str) -> Change:
        """Note which event an action is about."""
        return keep(self._verdicts, action_name(action_id), _EVENT.pack(identity) + event_id.encode())

    def events_of_actions(self, database: Reader, action_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """The identities and ids of the events that these actions are about, where they are known."""
        names = {action_id: action_name(action_id) for action_id in action_ids}
        known = self.notes(database, names.values())
        return {action_id: event_of_action(known[name]) for action_id, name in names.items() if name in known}

    def put_strike(self, action_id: str, strike: Strike) -> Change:
        """Note the strike that an action is about."""
        return keep(self._verdicts, strike_name(action_name(action_id)), _STRIKE.pack(*strike))

    def strikes(self, database: Reader, action_ids: Iterable[str]) -> dict[str, Strike]:
        """The strikes that these actions are about, as far as they are not forgiven."""
        names = {action_id: strike_name(action_name(action_id)) for action_id in action_ids}
        known = self.notes(database, names.values())
        return {
            action_id: Strike(*_STRIKE.unpack(known[name]))
            for action_id, name in names.items()
            if len(known.get(name, b"")) == _STRIKE.size
        }

    def put_note(self, name: bytes, value: bytes) -> Change:
        """Note under a name what is needed to take something back."""
        return keep(self._verdicts, name, value)

    def notes(self, database: Reader, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """What is noted under these names, as far as it is not taken back."""
        asked = list(dict.fromkeys(names))
        stored = dict(zip(asked, database.get(asked) if asked else [], strict=True))
        stored.update({name: self._verdicts[name][0] for name in asked if name in self._verdicts})
        return {name: value for name, value in stored.items() if value}

    def drop_verdict(self, name: bytes) -> Change:
        """Forget the verdict on an event, or of an action which event it is about, its strike, or a note."""
        return keep(self._verdicts, name, None)

    def settle(self, changes: Iterable[Change]) -> None:
        """These changes are in the database."""
        for name, _ in changes:
            pending = self._blocks if name.startswith(BLOCK) else self._verdicts
            settle(pending, name)


def is_kept(block: bytes) -> bool:
    """Whether the block of this name has events as they came, and not as they were scored."""
    return block[1] == KEPT


def index_entries(name: bytes, value: bytes, among: NDArray[np.uint64] | None = None) -> Iterator[tuple[bytes, bytes]]:
    """What is written along with a block. Nothing for one that cannot be read. `among`: for these hashed ids alone."""
    suffix, topic = name[1:], name[1:2]
    try:
        events = events_of(value)
    except StateError:
        return
    if among is not None:
        events = events.select(np.isin(events.ids, among))
    identities, users, ids = (column.tobytes() for column in events)
    for start in range(0, len(ids), _EVENT.size):
        end = start + _EVENT.size
        yield b"%b%b%b%b" % (INDEX, ids[start:end], identities[start:end], topic), users[start:end] + suffix


def _read_entry(key: bytes, value: bytes, start: int) -> Found:
    """What an entry of the index tells; the event's identity begins at `start` in its key."""
    return Found(_EVENT.unpack_from(key, start)[0], _EVENT.unpack_from(value)[0], BLOCK + value[_EVENT.size :])


def event_of_action(value: bytes) -> tuple[int, str]:
    """The identity and the id of the event that an action is about, as they are kept."""
    if len(value) < _EVENT.size:
        return 0, ""
    return _EVENT.unpack_from(value)[0], value[_EVENT.size :].decode("utf-8", "replace")


def action_name(action_id: str) -> bytes:
    """Where it is kept what an action is about."""
    return ACTION + blake2b(action_id.encode(), digest_size=8).digest()


def strike_name(action: bytes) -> bytes:
    """Where the strike of an action is kept, by the name of what it is about."""
    return STRIKE + action.removeprefix(ACTION)


def consequence_name(action: bytes) -> bytes:
    """Where it is kept what has followed from an action, by the name of what it is about."""
    return CONSEQUENCE + action.removeprefix(ACTION)


def judged_name(follow_up: int) -> bytes:
    """Where it is kept what was said of a follow-up."""
    return JUDGED + _EVENT.pack(follow_up)


def reply_name(identity: int, content: int) -> bytes:
    """Where it is kept what those are told who ask about an event."""
    return REPLY + _EVENT.pack(identity) + _EVENT.pack(content)


def verdict_name(key: int) -> bytes:
    """Where the verdict on an event is kept."""
    return VERDICT + _EVENT.pack(key)


def select(value: bytes, rows: NDArray[np.bool_], without: Without) -> bytes | None:
    """Some events of a block, as a block; None where there are none. `without` does that to its payload. Raises
    StateError."""
    kept = events_of(value).select(rows)
    if not len(kept.identities):
        return None
    return _block(kept, without(payload_of(value), kept.identities.tolist()))


def _block(events: ScoredKeys, payload: bytes) -> bytes:
    columns = [column.astype("<u8").tobytes() for column in events]
    return b"".join((_COUNT.pack(len(events.identities)), *columns, payload))


def events_of(value: bytes) -> ScoredKeys:
    """The events of a block. Raises StateError."""
    try:
        (count,) = _COUNT.unpack_from(value)
        columns = np.frombuffer(value, "<u8", _COLUMNS * count, _COUNT.size).reshape(_COLUMNS, count)
        return ScoredKeys(*columns)
    except (struct.error, ValueError) as error:
        raise StateError(f"a block of {len(value)} bytes cannot be read: {error}") from error


def payload_of(value: bytes) -> memoryview:
    """What a block holds of its events. Raises StateError."""
    return memoryview(value)[_COUNT.size + 8 * _COLUMNS * len(events_of(value).identities) :]
