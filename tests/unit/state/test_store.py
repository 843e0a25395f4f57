"""One suite over RocksDB and the memory database: the state of one partition."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocksdict import AccessType, Options, Rdict

from engine.core.state.entities import NEVER, EntityRecord
from engine.errors import StateError
from engine.state.memory import MemoryDatabase
from engine.state.scored import Change, ScoredKeys, payload_of
from engine.state.store import (
    ENTITY_BUDGET,
    PROVISIONAL,
    PartitionState,
    dump_watermarks,
    entity_record_key,
    load_watermarks,
    user_record_key,
    write_changes,
)

OFFSET_KEY = b"__offset"
Apply = Callable[[list[Change]], None]

USERS = np.array([71, 72], np.uint64)


@pytest.fixture(params=["rocksdb", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Apply]]:
    """A database, and how changes get into it."""
    if request.param == "memory":
        memory = MemoryDatabase()
        yield memory, memory.apply
        return
    rocks = Rdict(str(tmp_path / "db"), Options(raw_mode=True), access_type=AccessType.with_ttl(3_600))
    yield rocks, lambda changes: write_changes(rocks, changes, OFFSET_KEY, 7)
    rocks.close()


def test_records_come_back_from_the_database(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=10)
    records = state.load([b"anna", b"ben"])
    records[b"anna"].offset = 41
    apply(state.dump(records))
    state.settle(records, [])
    fresh = PartitionState(lambda: rocks, capacity=10).load([b"anna", b"ben", b"carl"])
    assert {user: record.offset for user, record in fresh.items()} == {b"anna": 41, b"ben": -1, b"carl": -1}


def test_records_with_writes_under_way_are_never_evicted(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    batches: list[tuple[dict[bytes, EntityRecord], list[Change]]] = []
    for start in range(0, 9, 3):
        records = state.load([b"u%d" % index for index in range(start, start + 3)])
        for record in records.values():
            record.offset = start
        batches.append((records, state.dump(records)))
    assert len(state) == 9
    for records, changes in batches:
        apply(changes)
        state.settle(records, [])
    assert len(state) == 2
    assert state.load([b"u0"])[b"u0"].offset == 0


def test_the_least_recently_used_records_go_first(database: tuple[Any, Apply]) -> None:
    rocks, _ = database
    state = PartitionState(lambda: rocks, capacity=2)
    for user in (b"a", b"b", b"a", b"c"):
        state.settle(state.load([user]) and {}, [])
    state.load([b"a", b"c"])
    assert state.hits == 3
    assert state.misses == 3


def keys_of(*identities: int) -> ScoredKeys:
    """Events whose ids are hashed to their identities plus a thousand."""
    own = np.array(identities, np.uint64)
    return ScoredKeys(own, own, own + np.uint64(1_000))


def blocks(state: PartitionState, key: int) -> list[bytes]:
    found = state.scored_events([key + 1_000, 99])[key + 1_000]
    assert all(one.identity == key for one in found)
    read = state.scored_blocks(one.block for one in found)
    return [bytes(payload_of(read[one.block])) for one in found]


def test_pieces_are_found_by_their_events_before_and_after_they_are_durable(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    first = state.scored.put(0, keys_of(11, 12), b"one")
    second = state.scored.put(0, keys_of(12), b"two")
    other = state.scored.put(1, keys_of(12), b"back from its entities")
    for change in (first, second, other):
        assert blocks(state, 12)[-1] == b"back from its entities"
        assert blocks(state, 11) == [b"one"]
        apply([change])
        state.settle({}, [change])
    assert blocks(state, 12) == [b"two", b"back from its entities"]
    assert blocks(state, 11) == [b"one"]
    assert blocks(state, 13) == []


def test_a_batch_that_is_repeated_in_part_does_not_replace_the_whole_one(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    for keys, payload in (([11, 12, 13], b"whole"), ([11, 13], b"the rest")):
        change = state.scored.put(0, keys_of(*keys), payload)
        apply([change])
        state.settle({}, [change])
    assert [blocks(state, key) for key in (11, 12, 13)] == [[b"the rest"], [b"whole"], [b"the rest"]]


def test_all_events_that_share_an_id_are_found_each_with_its_user(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    same = np.array([7, 7], np.uint64)
    change = state.scored.put(0, ScoredKeys(np.array([21, 22], np.uint64), np.array([5, 6], np.uint64), same), b"both")
    for _ in range(2):
        assert [(one.identity, one.user) for one in state.scored_events([7])[7]] == [(21, 5), (22, 6)]
        apply([change])
    state.settle({}, [change])
    assert [(one.identity, one.user) for one in state.scored_events([7])[7]] == [(21, 5), (22, 6)]


def test_the_newest_verdict_is_known_before_and_after_it_is_durable(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    assert state.verdicts([11, 12]) == {}
    changes = [state.scored.put_verdict(11, verdict) for verdict in ("spam", "ham")]
    for change in changes:
        assert state.verdicts([11, 12]) == {11: "ham"}
        apply([change])
        state.settle({}, [change])
    assert state.verdicts([11, 12]) == {11: "ham"}


def test_changes_and_their_changelog_offset_are_written_together(tmp_path: Path) -> None:
    rocks = Rdict(str(tmp_path / "db"), Options(raw_mode=True))
    write_changes(rocks, [(b"a", b"1"), (b"b", b"2")], OFFSET_KEY, 11)
    write_changes(rocks, [(b"a", None)], OFFSET_KEY, 12)
    assert rocks.get([b"a", b"b", OFFSET_KEY]) == [None, b"2", b"12"]
    rocks.close()


@pytest.mark.parametrize(
    ("offset", "hops", "stays"), [(NEVER, NEVER, False), (5, NEVER, True), (NEVER, 5, True), (5, 5, True)]
)
def test_a_record_that_is_made_anew_is_deleted_unless_something_has_come_to_it(
    offset: int, hops: int, stays: bool
) -> None:
    state = PartitionState(MemoryDatabase, capacity=10)
    anew = state.renew(b"a")
    anew.offset, anew.hops = offset, hops
    changes = dict(state.dump({b"a": anew, b"b": state.load([b"b"])[b"b"]}))
    assert [changes[key] is not None for key in (b"a", b"b")] == [stays, True]
    assert dict(state.dump({b"a": anew}))[b"a"] is not None  # it was asked for once


def test_as_many_records_stay_in_memory_as_there_is_room_for() -> None:
    state = PartitionState(MemoryDatabase, capacity=3)
    for count, kept in ((2, 2), (3, 3), (5, 3)):
        state.load([b"%d" % number for number in range(count)])
        state.settle({}, [])
        assert len(state) == kept


def test_watermarks_and_the_census_are_kept(database: tuple[Any, Apply]) -> None:
    rocks, apply = database
    state = PartitionState(lambda: rocks, capacity=2)
    assert (state.watermarks(), state.entity_budget().counts) == ({}, {})
    state.watermarks().update({(1, 2): 30, (0, 2): 7})
    state.entity_budget().admit("device_id", b"d", 20_000 * 86_400_000, 5, 1)
    first = state.dump_entity_budget()
    apply([*first, state.dump_watermarks()])
    again = PartitionState(lambda: rocks, capacity=2)
    assert again.watermarks() == {(0, 2): 7, (1, 2): 30}
    assert again.entity_budget().counts == {("device_id", 20_000): 1}
    assert len(again.entity_budget().provisional["device_id"]) == 1
    assert [[key for key, _ in changes] for changes in (first, again.dump_entity_budget())] == [
        [ENTITY_BUDGET, PROVISIONAL],
        [],
    ]


def test_users_and_entities_have_keys_that_are_never_the_same() -> None:
    keys = [
        user_record_key("a"),
        entity_record_key(("a", "")),
        entity_record_key(("", "a")),
        entity_record_key(("ab", "c")),
        entity_record_key(("a", "bc")),
    ]
    assert keys[:2] == [b"ea", b"fa\x00"]
    assert len(set(keys)) == 5


def test_damage_of_watermarks_is_told() -> None:
    with pytest.raises(StateError, match="watermarks"):
        load_watermarks(dump_watermarks({(0, 1): 5})[:-1])
