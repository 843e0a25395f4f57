"""Blocks, verdicts and what actions are about, while they are on their way to the database and when they are there."""

from collections.abc import Collection

import numpy as np
import pytest

from engine.errors import StateError
from engine.state.memory import MemoryDatabase
from engine.state.scored import (
    MAX_SAME_IDS,
    ScoredBlocks,
    ScoredKeys,
    action_name,
    event_of_action,
    events_of,
    index_entries,
    payload_of,
    verdict_name,
)

ANN, BEN = 71, 72


def keys(*events: tuple[int, int, int]) -> ScoredKeys:
    """Events by identity, user and id."""
    return ScoredKeys(*(np.array(column, np.uint64) for column in zip(*events, strict=True)))


def told(payload: memoryview, kept: Collection[int]) -> bytes:
    """A payload that says whose it is."""
    return bytes(payload) + b" of " + b",".join(b"%d" % one for one in kept)


BOTH = keys((1, ANN, 7), (2, BEN, 7), (3, ANN, 8))


@pytest.mark.parametrize("durable", [True, False])
def test_a_user_is_taken_out_of_a_piece_and_the_others_stay(durable: bool) -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    change = scored.put(0, BOTH, b"texts")
    if durable:
        database.apply([change])
        scored.settle([change])
    name, value = scored.drop(database, change[0], ANN, told)
    assert (name, bytes(payload_of(value or b""))) == (change[0], b"texts of 2")
    assert [one.identity for some in scored.find(database, [7, 8]).values() for one in some] == (
        [1, 2, 3] if durable else [2]  # what its index says stays until it lapses
    )


def test_a_piece_of_one_user_alone_goes_with_him() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    change = scored.put(0, keys((1, ANN, 7)), b"texts")
    assert scored.drop(database, change[0], ANN, told) == (change[0], None)
    assert scored.find(database, [7]) == {7: []}
    assert scored.read(database, [change[0]]) == {}


@pytest.mark.parametrize("value", [b"", b"\x09\x00\x00\x00", None])
def test_a_damaged_piece_goes_and_so_does_one_that_is_gone(value: bytes | None) -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    database.values.update({b"block": value} if value is not None else {})
    assert scored.drop(database, b"block", ANN, told) == (b"block", None)


def test_pieces_are_read_whether_they_are_on_their_way_or_there() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    first, second = scored.put(0, keys((1, ANN, 7)), b"one"), scored.put(1, keys((1, ANN, 7)), b"two")
    database.apply([first])
    scored.settle([first])
    read = scored.read(database, [second[0], first[0], b"no such block", first[0]])
    assert read == dict([first, second])
    assert [one.block for one in scored.find(database, [7])[7]] == [first[0], second[0]]


def test_of_very_many_events_with_one_id_some_are_found() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    database.apply([scored.put(0, keys(*((number, ANN, 7) for number in range(100)), (5, ANN, 8)), b"")])
    found = ScoredBlocks().find(database, [7, 8, 9])
    assert [len(found[one]) for one in (7, 8, 9)] == [MAX_SAME_IDS, 1, 0]


def test_what_is_forgotten_is_not_known_before_that_is_durable() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    changes = [scored.put_verdict(1, "spam"), scored.put_verdict(2, "ham"), scored.put_action("a", 5, "e5")]
    database.apply(changes)
    scored.settle(changes)
    dropped = [scored.drop_verdict(verdict_name(1)), scored.drop_verdict(action_name("a"))]
    for _ in range(2):
        assert scored.verdicts(database, [1, 2, 3]) == {2: "ham"}
        assert scored.events_of_actions(database, ["a", "b"]) == {}
        database.apply(dropped)
    scored.settle(dropped)
    assert scored.verdicts(database, [1, 2, 3]) == {2: "ham"}


def test_what_an_action_is_about_is_known_on_the_way_and_there() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    first, second = scored.put_action("a", 5, "e5"), scored.put_action("b", 6, "e6")
    database.apply([first])
    scored.settle([first])
    assert scored.events_of_actions(database, ["b", "a", "c"]) == {"b": (6, "e6"), "a": (5, "e5")}
    assert scored.events_of_actions(database, []) == {}
    assert second[0] != first[0]


def test_what_was_written_three_times_is_on_its_way_until_the_third_is_there() -> None:
    scored, database = ScoredBlocks(), MemoryDatabase()
    changes = [scored.put_verdict(1, verdict) for verdict in ("spam", "ham", "retracted")]
    for change in changes:
        assert scored.verdicts(database, [1]) == {1: "retracted"}
        scored.settle([change])
    assert scored.verdicts(database, [1]) == {}  # the database has not been told here


@pytest.mark.parametrize("topic", [0, 1])
def test_an_index_leads_from_an_id_to_its_events(topic: int) -> None:
    scored = ScoredBlocks()
    name, value = scored.put(topic, BOTH, b"")
    assert value is not None
    entries = list(index_entries(name, value))
    assert len({key for key, _ in entries}) == 3
    assert all(key[-1] == topic and entry[8:] == name[1:] for key, entry in entries)
    assert [int.from_bytes(entry[:8], "little") for _, entry in entries] == [ANN, BEN, ANN]
    assert list(index_entries(name, value[:9])) == []


@pytest.mark.parametrize(
    ("value", "event"),
    [
        (b"", (0, "")),
        (b"\x05" + bytes(6), (0, "")),
        (b"\x05" + bytes(7), (5, "")),
        (b"\x05" + bytes(7) + b"e", (5, "e")),
    ],
)
def test_what_an_action_is_about_needs_an_identity(value: bytes, event: tuple[int, str]) -> None:
    assert event_of_action(value) == event


@pytest.mark.parametrize("cut", [0, 3, 5, 75])
def test_damage_of_a_piece_is_told(cut: int) -> None:
    _, value = ScoredBlocks().put(0, BOTH, b"")
    assert value is not None
    assert events_of(value).users.tolist() == [ANN, BEN, ANN]
    with pytest.raises(StateError, match="cannot be read"):
        payload_of(value[:cut])
