"""What goes out is taken by one, sent once, and taken back only while it waits."""

from engine.console.store import outgoing
from engine.console.store.database import Store
from tests.console import START_MS


def enqueue(store: Store, due_ms: int = START_MS) -> str:
    with store.write() as connection:
        return outgoing.enqueue(connection, "label", {"event_id": "e1"}, "ann", due_ms)


def take(store: Store, now_ms: int = START_MS) -> list[str]:
    with store.write() as connection:
        return [one.id for one in outgoing.take_due(connection, now_ms, now_ms + 100, 10)]


def test_nothing_goes_out_before_it_is_due_or_twice(store: Store) -> None:
    identity = enqueue(store, START_MS + 5)
    assert take(store, START_MS + 4) == []
    assert take(store, START_MS + 5) == [identity]
    assert take(store, START_MS + 5) == []


def test_what_waits_can_be_taken_back_and_what_is_taken_cannot(store: Store) -> None:
    early, late = enqueue(store), enqueue(store, START_MS + 5)
    assert take(store) == [early]
    with store.write() as connection:
        assert not outgoing.undo(connection, early)
        assert outgoing.undo(connection, late)
        assert not outgoing.undo(connection, late)
    assert take(store, START_MS + 5) == []


def test_what_somebody_has_let_lie_is_found_once_its_lease_is_over(store: Store) -> None:
    identity = enqueue(store)
    take(store)
    with store.write() as connection:
        assert outgoing.take_abandoned(connection, START_MS + 99, START_MS + 200, 10) == []
        assert [one.id for one in outgoing.take_abandoned(connection, START_MS + 100, START_MS + 200, 10)] == [identity]
        outgoing.put_back(connection, [identity], START_MS + 100)
    assert take(store, START_MS + 100) == [identity]


def test_what_cannot_go_out_says_why(store: Store) -> None:
    identity = enqueue(store)
    take(store)
    with store.write() as connection:
        outgoing.mark_failed(connection, [identity], "x" * 5_000)
        (row,) = outgoing.failed(connection, 10)
        assert (row.id, len(row.error)) == (identity, 1_000)
        assert outgoing.count_in(connection, outgoing.FAILED) == 1
