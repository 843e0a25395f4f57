"""Whose event an id means, though others use it too."""

import pytest

from engine.console.store import queue
from engine.console.store.authorship import author_of, first_author_of
from engine.console.store.database import Store
from tests.console import START_MS, add_case, add_decision, add_event


@pytest.mark.parametrize(
    ("source", "user_id", "author"),
    [
        ("review", "u2", "u2"),
        ("agreement", "gone", "gone"),
        ("appeal", "u2", "u2"),
        ("appeal", "a-friend", "u1"),
        ("report", "u2", "u1"),
    ],
)
def test_the_engine_says_whose_it_is_and_else_who_was_first(
    store: Store, source: str, user_id: str, author: str
) -> None:  # fmt: skip
    add_event(store, 1, "u1")
    add_decision(store, 1, "u2")
    with store.write() as connection:
        connection.exec_driver_sql(
            'INSERT INTO events (id, partition, "offset", event_id, user_id, type, ts, document) '
            "SELECT 9, partition, 9, event_id, 'u2', type, ts, document FROM events"
        )
    add_case(store, 1, source=source, user_id=user_id)
    with store.read() as connection:
        assert author_of(connection, "e1", "first", queue.case_of(connection, "e1")) == author


def test_who_is_asked_on_is_asked_about_the_same_user(store: Store) -> None:
    add_event(store, 1, "u1")
    with store.write() as connection:
        queue.ask_further(connection, "e1", "u2", "senior", "ann", START_MS)
        assert author_of(connection, "e1", "senior", None) == "u2"
        assert author_of(connection, "e1", "golden", None) == "u1"


def test_of_an_event_that_is_not_kept_its_decision_tells_and_a_report_does_not(store: Store) -> None:
    add_case(store, 1, source="report", user_id="who-reports")
    with store.read() as connection:
        assert first_author_of(connection, "e1") == ""
    add_decision(store, 1, "u1")
    with store.read() as connection:
        assert first_author_of(connection, "e1") == "u1"
