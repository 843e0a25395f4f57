"""One partition's state: decoded records in a hot cache, RocksDB behind it.

In memory the records are always the newest; RocksDB follows when a batch's changes are durable in the
changelog. So a record with writes under way is never evicted: the database does not have it yet.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Protocol

from rocksdict import WriteBatch

from engine.core.domain.kinds import READING, stored_kind
from engine.core.evaluation.routing import EntityKey
from engine.core.state.entities import NEVER, EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.core.state.strikes import Strike
from engine.errors import StateError
from engine.state.clocks import EventClock, MeetingClock
from engine.state.entity_budget import EntityBudget, load_entity_budget
from engine.state.noted import Noted
from engine.state.scored import BLOCK, Change, Found, ScoredBlocks, Without, index_entries
from engine.state.timers import MEETING_TIMER, Timers

USER = b"e"
"""Key prefix of users' records: e + user id."""
ENTITY = b"f"
"""Key prefix of other entities' records: f + kind + a zero byte + key."""
WATERMARKS = b"w"
"""Key of the last message of each source partition that was applied to shared entities."""
ENTITY_BUDGET = b"k"
"""Key of the number of new shared entities."""
PROVISIONAL = b"kp"
"""Key of those of them that few sources have named."""

LEDGER = b"b"
"""Key of the record that budgets are kept by."""

FORGETTING: Change = (USER, None)
"""Deletes the record of nobody. It says to all who have this partition on disk that somebody is forgotten before it."""
FORGOTTEN = b"__floodgate\0forgotten"
"""Key in a database alone: from when on its files may still hold what somebody who was forgotten has left there."""

Source = tuple[int, int]
"""Where a message at its entities was sent from: the topic (0 events, 1 hops) and the partition."""

_WATERMARK = struct.Struct("<BIQ")


class Database(Protocol):
    """The part of rocksdict's Rdict (raw mode) that is used here."""

    def get(self, key: Any) -> Any:
        """One value, or a list of values for a list of keys; None where there is none."""

    def items(self, *, from_key: Any = None) -> Iterator[tuple[Any, Any]]:
        """Keys and values in order, from a key on."""

    def write(self, write_batch: WriteBatch) -> None:
        """Apply a batch atomically."""


class PartitionState:
    """The entities of one partition.

    `database` is asked for the handle at each use and never kept: Faust closes a database by letting
    go of it (faust/stores/rocksdb.py, revoke_partitions).
    """

    def __init__(self, database: Callable[[], Database], capacity: int) -> None:
        self._database = database
        self._capacity = capacity
        self._records: dict[bytes, EntityRecord] = {}  # least recently used first
        self._forgotten: set[bytes] = set()
        self._watermarks: dict[Source, int] | None = None
        self._entity_budget: EntityBudget | None = None
        self.scored = ScoredBlocks()
        self.clock, self.timers = EventClock(database), Timers(database)
        self.meeting_clock, self.meeting_timers = MeetingClock(database), Timers(database, MEETING_TIMER)
        self.noted = Noted(database)
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._records)

    def load(self, keys: Iterable[bytes]) -> dict[bytes, EntityRecord]:
        """The records under these different keys, new ones included, with at most one read of the database."""
        cache, records, missing = self._records, {}, []
        for key in keys:
            record = cache.pop(key, None)
            if record is None:
                missing.append(key)
            else:
                cache[key] = records[key] = record
        self.hits += len(records)
        self.misses += len(missing)
        if missing:
            missing.sort()  # neighbours share a block
            for key, data in zip(missing, self._database().get(missing), strict=True):
                cache[key] = records[key] = load_record(data) if data is not None else EntityRecord()
        return records

    def renew(self, key: bytes) -> EntityRecord:
        """A record as if its entity had never been seen. What is under way of the old one comes before it."""
        self._forgotten.add(key)
        fresh = self._records[key] = EntityRecord()
        return fresh

    def dump(self, records: dict[bytes, EntityRecord]) -> list[Change]:
        """The changed records as bytes; they stay in memory until `settle`. Those that were made anew are deleted.
        Raises where one cannot be written, and nothing has changed."""
        changes: list[Change] = [(key, dump_record(record)) for key, record in records.items()]
        if self._forgotten:
            changes = [
                (key, None if key in self._forgotten and records[key].hops == records[key].offset == NEVER else value)
                for key, value in changes
            ]
            self._forgotten.difference_update(records)
        for record in records.values():
            record.pending_writes += 1
        return changes

    def give_up(self, key: bytes) -> None:
        """A record that cannot be stored goes from memory: what the database has counts again, as after a restart."""
        self._records.pop(key, None)

    def watermarks(self) -> dict[Source, int]:
        """For each source partition, the number of its last message that was applied here. To be updated."""
        if self._watermarks is None:
            self._watermarks = load_watermarks(self._database().get(WATERMARKS))
        return self._watermarks

    def entity_budget(self) -> EntityBudget:
        """How many shared entities there are. To be updated."""
        if self._entity_budget is None:
            counts, provisional = self._database().get([ENTITY_BUDGET, PROVISIONAL])
            self._entity_budget = load_entity_budget(counts or b"", provisional or b"")
        return self._entity_budget

    def dump_entity_budget(self) -> list[Change]:
        """What has changed of the entity_budget since the last call."""
        entity_budget = self.entity_budget()
        changes: list[Change] = [(ENTITY_BUDGET, entity_budget.dump())] if entity_budget.is_changed else []
        entity_budget.is_changed = False
        provisional = entity_budget.dump_provisional()
        return changes if provisional is None else [*changes, (PROVISIONAL, provisional)]

    def dump_watermarks(self) -> Change:
        """The watermarks as a change: the last one of a batch, so that whoever has it has the records too."""
        return WATERMARKS, dump_watermarks(self.watermarks())

    def timers_of(self, key: bytes) -> Timers:
        """Those among which a timer is."""
        return self.meeting_timers if key.startswith(MEETING_TIMER) else self.timers

    def settle(
        self, records: dict[bytes, EntityRecord], scored: Iterable[Change], timers: Iterable[Change] = (),
        noted: Iterable[Change] = (),
    ) -> None:  # fmt: skip
        """These records, these blocks and verdicts, these timers, and what is noted of outcomes, are in RocksDB now:
        memory may be given up."""
        for record in records.values():
            record.pending_writes -= 1
        self.scored.settle(scored)
        ended = list(timers)
        self.timers.settle(ended)
        self.meeting_timers.settle(ended)
        self.noted.settle(noted)
        if len(self._records) > self._capacity:
            self._evict()

    def scored_events(self, ids: Iterable[int]) -> dict[int, list[Found]]:
        """The scored events with these hashed ids, by id."""
        return self.scored.find(self._database(), ids)

    def scored_blocks(self, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """The blocks of these names, where they are still there."""
        return self.scored.read(self._database(), names)

    def events_of_actions(self, action_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """The identities and ids of the events that these actions are about, where they are known."""
        return self.scored.events_of_actions(self._database(), action_ids)

    def strikes(self, action_ids: Iterable[str]) -> dict[str, Strike]:
        """The strikes that these actions are about, as far as they are not forgiven."""
        return self.scored.strikes(self._database(), action_ids)

    def notes(self, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """What is noted under these names, to take something back, as far as that is not done."""
        return self.scored.notes(self._database(), names)

    def drop_scored(self, name: bytes, user: int, without: Without) -> Change:
        """A block without a user's events."""
        return self.scored.drop(self._database(), name, user, without)

    def verdicts(self, keys: Sequence[int]) -> dict[int, str]:
        """The newest verdicts on these events, where there are any."""
        return self.scored.verdicts(self._database(), keys)

    def _evict(self) -> None:
        excess = len(self._records) - self._capacity
        idle = (key for key, record in self._records.items() if not record.pending_writes)
        for key in list(islice(idle, excess)):
            del self._records[key]


def user_record_key(user_id: str) -> bytes:
    """Where a user's record is kept."""
    return USER + user_id.encode()


def entity_record_key(entity_key: EntityKey) -> bytes:
    """Where another entity's record is kept, at whichever step an event visits it."""
    return _prefix_of(entity_key[0]) + entity_key[1].encode()


@lru_cache(1_000)
def _prefix_of(kind: str) -> bytes:
    """What the keys of a kind's records begin with."""
    return ENTITY + f"{stored_kind(kind) if READING in kind else kind}\x00".encode()


def dump_watermarks(watermarks: dict[Source, int]) -> bytes:
    """As bytes, in the order of their sources."""
    numbers = [number for source in sorted(watermarks) for number in (*source, watermarks[source])]
    return _watermarks_of(len(watermarks)).pack(*numbers)


@cache
def _watermarks_of(sources: int) -> struct.Struct:
    """How the watermarks of so many sources are packed: one after the other."""
    return struct.Struct("<" + _WATERMARK.format.lstrip("<") * sources)


def load_watermarks(data: bytes | None) -> dict[Source, int]:
    """What `dump_watermarks` wrote. Raises StateError."""
    try:
        return {(topic, partition): number for topic, partition, number in _WATERMARK.iter_unpack(data or b"")}
    except struct.error as error:
        raise StateError(f"stored watermarks of {len(data or b'')} bytes cannot be read: {error}") from error


def expanded(changes: Iterable[Change]) -> Iterator[Change]:
    """Changes as the database takes them: with the index of the blocks among them."""
    for key, value in changes:
        if value is not None and key.startswith(BLOCK):
            yield from index_entries(key, value)
        yield key, value


def write_changes(database: Database, changes: Iterable[Change], offset_key: bytes, changelog_offset: int) -> None:
    """Apply changes and the changelog offset up to which they reach, atomically."""
    batch = WriteBatch(raw_mode=True)
    for key, value in expanded(changes):
        if value is None:
            batch.delete(key)
            if key == USER:
                batch.put(FORGOTTEN, b"%d" % changelog_offset)
        else:
            batch.put(key, value)
    batch.put(offset_key, b"%d" % changelog_offset)
    database.write(batch)
