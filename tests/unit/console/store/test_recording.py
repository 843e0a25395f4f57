"""What is followed is there once, with how far it has been read; labels and revocations settle cases."""

import orjson

from engine.console.store.database import Store
from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, HITS, MENTIONS, REVOCATIONS
from engine.console.store.recording import read_positions, record
from tests.console import START_MS, add_action, add_case, add_decision, add_event, add_label, rows_of


def is_open(store: Store) -> bool:
    (case,) = rows_of(store, CASES)
    return bool(case["is_open"])


def test_hits_and_mentions_belong_to_theirs(store: Store) -> None:
    for number in range(3):
        add_event(store, number, device_id=f"d{number}")
        add_decision(store, number, rule=f"r{number}")
    events = {row["id"]: row["event_id"] for row in rows_of(store, EVENTS)}
    assert {(events[row["event_row"]], row["value"]) for row in rows_of(store, MENTIONS)} == {
        ("e0", "d0"), ("e1", "d1"), ("e2", "d2"),
    }  # fmt: skip
    decisions = {row["id"]: row["event_id"] for row in rows_of(store, DECISIONS)}
    assert {(decisions[row["decision"]], row["rule"]) for row in rows_of(store, HITS)} == {
        ("e0", "r0"), ("e1", "r1"), ("e2", "r2"),
    }  # fmt: skip


def test_positions_are_those_of_the_last_time(store: Store) -> None:
    for offset in (5, 9):
        with store.write() as connection:
            record(connection, {}, {("events", 0): offset, ("labels", 1): 2})
    with store.read() as connection:
        assert read_positions(connection) == {("events", 0): 9, ("labels", 1): 2}


def test_what_comes_again_stays_as_it_was(store: Store) -> None:
    add_action(store, 1)
    row = {**rows_of(store, ACTIONS)[0], "kind": "block", "document": orjson.dumps({})}
    with store.write() as connection:
        record(connection, {ACTIONS: [row]}, {})
    assert [action["kind"] for action in rows_of(store, ACTIONS)] == ["limit"]


def test_a_label_closes_a_case_and_its_retraction_opens_it(store: Store) -> None:
    add_case(store, 1)
    add_label(store, 1, "spam", "e1")
    assert not is_open(store)
    add_label(store, 3, "retracted", "e1")
    assert is_open(store)
    add_label(store, 2, "ham", "e1")
    assert is_open(store), "it came late, and is older than the retraction"


def test_a_case_that_is_read_after_its_label_is_closed_too(store: Store) -> None:
    add_label(store, 1, "ham", "e1")
    add_case(store, 2)
    add_label(store, 2, "spam", "e2")
    with store.write() as connection:
        record(connection, {CASES: [{**rows_of(store, CASES)[0], "id": 9, "event_id": "e1", "key": "e1"}]}, {})
    assert {row["event_id"]: row["is_open"] for row in rows_of(store, CASES)} == {"e1": False, "e2": False}


def test_a_revocation_closes_the_cases_about_its_event(store: Store) -> None:
    add_action(store, 1)
    add_case(store, 1, source="appeal")
    revocation = {"action_id": "a1", "ts": START_MS, "author": "ann", "why": "a mistake"}
    with store.write() as connection:
        record(connection, {REVOCATIONS: [revocation]}, {})
    assert not is_open(store)


def test_all_that_is_followed_can_be_dropped_and_nothing_else(store: Store) -> None:
    add_event(store, 1)
    with store.write() as connection:
        record(connection, {}, {("events", 0): 9})
        connection.exec_driver_sql("INSERT INTO notes (kind, value, author, text, ts) VALUES ('a', 'b', 'c', 'd', 1)")
    store.forget_followed()
    assert rows_of(store, EVENTS) == []
    with store.read() as connection:
        assert read_positions(connection) == {}
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM notes").scalar() == 1
