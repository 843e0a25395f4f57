"""Decisions are found by what is asked, the newest first, and no question looks at more than a bound."""

from typing import Any

import pytest

from engine.console.store import search as searching
from engine.console.store.database import Store
from engine.console.store.search import Question, search
from tests.console import START_MS, add_action, add_decision, add_event


@pytest.fixture
def filled(store: Store) -> Store:
    """Ten decisions of two users: the even ones hit `flood`, the events of u2 come from one device."""
    for number in range(10):
        user_id = "u1" if number < 5 else "u2"
        add_event(store, number, user_id, **({"device_id": "d1"} if user_id == "u2" else {}))
        scores = {"spam": number / 10}
        add_decision(store, number, user_id, "flood" if number % 2 == 0 else "", scores=scores)
    add_action(store, 4)
    return store


def found(store: Store, limit: int = 50, **asked: Any) -> list[str]:
    with store.read() as connection:
        return [row.event_id for row in search(connection, Question(**asked), limit).rows]


@pytest.mark.parametrize(
    ("asked", "events"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"user_id": "u1"}, [4, 3, 2, 1, 0]),
        ({"rule": "flood"}, [8, 6, 4, 2, 0]),
        ({"rule": "flood", "user_id": "u2"}, [8, 6]),
        ({"rule": "flood", "effect": "shadow"}, []),
        ({"rule": "flood", "effect": "acted", "user_id": "u1"}, [4, 2, 0]),
        ({"outcome": "none"}, [9, 7, 5, 3, 1]),
        ({"outcome": "none", "user_id": "u1"}, [3, 1]),
        ({"event_id": "e3"}, [3]),
        ({"event_id": "e3", "user_id": "u2"}, []),
        ({"action_id": "a4"}, [4]),
        ({"action_id": "a5"}, []),
        ({"entity": ("device_id", "d1")}, [9, 8, 7, 6, 5]),
        ({"entity": ("device_id", "d1"), "rule": "flood"}, [8, 6]),
        ({"entity": ("ip", "d1")}, []),
        ({"since_ms": START_MS + 7_000}, [9, 8, 7]),
        ({"until_ms": START_MS + 2_000}, [1, 0]),
        ({"rule": "flood", "until_ms": START_MS + 2_000}, [0]),
        ({"least_score": 0.75}, [9, 8]),
        ({"words": '"posts_1m > 10"', "user_id": "u2"}, [8, 6]),
        ({"type": "like"}, []),
    ],
)
def test_what_is_asked_is_found(filled: Store, asked: dict[str, Any], events: list[int]) -> None:
    assert found(filled, **asked) == [f"e{number}" for number in events]


def test_pages_go_on_where_the_last_one_ended(filled: Store) -> None:
    seen: list[str] = []
    question = Question(rule="flood")
    with filled.read() as connection:
        while rows := search(connection, question, 2).rows:
            seen += [row.event_id for row in rows]
            question = Question(rule="flood", before=(rows[-1].ts, rows[-1].id))
    assert seen == ["e8", "e6", "e4", "e2", "e0"]


def test_who_asks_for_much_is_told_that_not_all_was_looked_at(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_LOOKED_AT", 4)
    with filled.read() as connection:
        assert search(connection, Question(words="nowhere"), 5) == ([], False)
        assert search(connection, Question(event_id="e1", words="nowhere"), 5) == ([], True)
