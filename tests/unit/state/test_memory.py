"""The database in memory answers as RocksDB does."""

import pytest

from engine.state.memory import MemoryDatabase
from engine.state.scored import Change


def test_what_is_asked_for_alone_and_in_a_list_is_found() -> None:
    database = MemoryDatabase()
    database.apply([(b"a", b"1")])
    assert (database.get(b"a"), database.get(b"b"), database.get([b"b", b"a"])) == (b"1", None, [None, b"1"])


def test_entries_come_in_order_from_a_key_on() -> None:
    database = MemoryDatabase()
    database.apply([(b"c", b"3"), (b"a", b"1"), (b"b", b"2")])
    assert list(database.items()) == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]
    assert list(database.items(from_key=b"b")) == [(b"b", b"2"), (b"c", b"3")]
    assert list(database.items(from_key=b"bb")) == [(b"c", b"3")]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ((b"b", b"2"), [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]),
        ((b"a", b"one"), [(b"a", b"one"), (b"c", b"3")]),
        ((b"a", None), [(b"c", b"3")]),
        ((b"b", None), [(b"a", b"1"), (b"c", b"3")]),
    ],
    ids=["new", "changed", "deleted", "never there"],
)
def test_they_are_as_the_last_change_has_left_them(change: Change, found: list[Change]) -> None:
    database = MemoryDatabase()
    database.apply([(b"c", b"3"), (b"a", b"1")])
    assert list(database.items()) == [(b"a", b"1"), (b"c", b"3")]
    database.apply([change])
    assert list(database.items()) == found


def test_a_later_change_of_one_key_counts() -> None:
    database = MemoryDatabase()
    database.apply([(b"a", None), (b"a", b"1"), (b"b", b"2"), (b"b", None)])
    assert list(database.items()) == [(b"a", b"1")]


def test_a_batch_for_rocksdb_is_refused() -> None:
    with pytest.raises(TypeError, match="apply"):
        MemoryDatabase().write(object())
