"""The overview counts what happened in the span before the newest event, and no more rows than a bound."""

import pytest
from sqlalchemy import insert

from engine.console.store import overview as overviews
from engine.console.store.database import Store
from engine.console.store.followed import REVOCATIONS
from engine.console.store.overview import BUCKETS, overview
from tests.console import START_MS, add_action, add_decision, add_event, add_label

HOUR_MS = 3_600_000
NOW_MS = START_MS + 100 * HOUR_MS


def fill(store: Store) -> None:
    for number in range(0, 120, 10):
        add_event(store, number)
        add_decision(store, number, rule="flood" if number >= 60 else "")
        if number >= 60:
            add_action(store, number, rule="flood" if number < 110 else "ring")
    add_label(store, 119_999, "spam", "e0")
    with store.write() as connection:
        connection.execute(insert(REVOCATIONS).values(action_id="a70", ts=START_MS + 115_000, author="ann", why="w"))


def test_it_tells_what_happened(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        found = overview(connection, NOW_MS, HOUR_MS)
        last_minute = overview(connection, NOW_MS, 45_000)
    assert found.outcomes == {"act": 6, "none": 6}
    assert [(activity.rule, activity.actions, activity.revoked) for activity in found.rules] == [
        ("flood", 5, 1), ("ring", 1, 0),
    ]  # fmt: skip
    assert (found.actions, found.revoked, found.labels, found.is_cut) == (6, 1, {"spam": 1}, False)
    assert found.events_per_s == 6 / 60
    assert [sum(activity.trend) for activity in found.rules] == [5, 1]
    assert all(len(activity.trend) == BUCKETS for activity in found.rules)
    assert (last_minute.actions, last_minute.rules[-1].trend[-1]) == (5, 1)


def test_an_empty_store_has_nothing_to_tell(store: Store) -> None:
    with store.read() as connection:
        found = overview(connection, NOW_MS, HOUR_MS)
    assert (found.decisions, found.events_per_s, found.rules, found.is_cut) == (0, 0.0, [], False)


def test_of_too_much_the_latest_is_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overviews, "MOST_ROWS", 4)
    fill(store)
    with store.read() as connection:
        found = overview(connection, NOW_MS, HOUR_MS)
    assert (found.actions, found.is_cut) == (4, True)
