"""What is too old or too much goes, with what belongs to it, a part at a time."""

import msgspec
import pytest
from sqlalchemy import insert

from engine.console.store import breaks, retention
from engine.console.store.database import Store
from engine.console.store.followed import DECISIONS, EVENTS, HITS, MENTIONS
from engine.console.store.outgoing import enqueue, mark_sent, take_due
from engine.console.store.own import BREAKS, CLAIMS, FURTHER, OUTGOING, SKIPS
from engine.console.store.queue import ask_further, close_further
from engine.settings import Settings
from tests.console import START_MS, add_decision, add_event, rows_of

DAY_MS = 86_400_000


def drop(store: Store, now_ms: int) -> int:
    settings = msgspec.convert({"retention_days": {"events": 7, "decisions": 30}}, Settings)
    with store.write() as connection:
        return retention.drop_some(connection, settings, now_ms)


def fill(store: Store) -> None:
    for number in range(6):
        add_event(store, number, device_id="d1")
        add_decision(store, number, rule="flood")


def test_each_table_is_kept_as_long_as_its_topic(store: Store) -> None:
    fill(store)
    assert drop(store, START_MS + 7 * DAY_MS) == 0
    assert drop(store, START_MS + 7 * DAY_MS + 2_001) == 3
    assert [row["event_id"] for row in rows_of(store, EVENTS)] == ["e3", "e4", "e5"]
    assert len(rows_of(store, MENTIONS)) == 3
    assert len(rows_of(store, DECISIONS)) == 6
    drop(store, START_MS + 31 * DAY_MS)
    assert rows_of(store, DECISIONS) == rows_of(store, HITS) == []


def test_what_is_settled_in_the_console_goes_too_and_what_waits_stays(store: Store) -> None:
    with store.write() as connection:
        for name, event_id, until_ms in (("ann", "e1", 9), ("bob", "e2", 40 * DAY_MS)):
            connection.execute(insert(SKIPS).values(event_id=event_id, account=name, until_ms=START_MS + until_ms))
            claim = {"event_id": event_id, "account": name, "kind": "first", "since_ms": START_MS}
            connection.execute(insert(CLAIMS).values(**claim, until_ms=START_MS + until_ms))
            breaks.begin(connection, name, START_MS, START_MS + until_ms)
        for event_id in ("e1", "e2"):
            ask_further(connection, event_id, "u1", "second", "ann", START_MS)
        close_further(connection, "e1", "second")
        for number in range(2):
            enqueue(connection, "label", {"user_id": "u1", "number": number}, "ann", START_MS + number)
        mark_sent(connection, [row.id for row in take_due(connection, START_MS, START_MS, 9)], START_MS)
    tables = (SKIPS, CLAIMS, BREAKS, FURTHER, OUTGOING)
    drop(store, START_MS)
    assert [len(rows_of(store, table)) for table in tables] == [2, 2, 2, 2, 2]
    drop(store, START_MS + 31 * DAY_MS)
    assert [len(rows_of(store, table)) for table in tables] == [1, 1, 1, 1, 1]
    assert [row["event_id"] for table in (SKIPS, CLAIMS, FURTHER) for row in rows_of(store, table)] == ["e2"] * 3
    assert [row["state"] for row in rows_of(store, OUTGOING)] == ["waiting"]


def test_the_oldest_of_too_many_go_a_part_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    fill(store)
    with store.write() as connection:
        assert retention._drop_up_to(connection, EVENTS, 3) == 2
        assert retention._drop_up_to(connection, EVENTS, 3) == 1
        assert retention._drop_up_to(connection, EVENTS, 3) == 0
    assert [row["event_id"] for row in rows_of(store, EVENTS)] == ["e3", "e4", "e5"]
