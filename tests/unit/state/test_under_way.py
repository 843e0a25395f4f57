"""What is on its way to the database counts until the last write of it is there."""

from engine.state.under_way import Pending, keep, settle


def test_a_key_is_kept_until_all_its_writes_are_there() -> None:
    pending: Pending = {}
    assert keep(pending, b"k", b"1") == (b"k", b"1")
    keep(pending, b"k", None)
    settle(pending, b"k")
    assert pending == {b"k": (None, 1)}
    settle(pending, b"k")
    assert pending == {}
