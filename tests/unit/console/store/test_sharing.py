"""Who shares what with whom grows from what has been opened, up to a bound."""

import pytest

from engine.console.store import sharing
from engine.console.store.database import Store
from engine.console.store.sharing import grow
from tests.console import add_event


def names(store: Store, *opened: tuple[str, str]) -> tuple[list[str], bool]:
    with store.read() as connection:
        graph = grow(connection, opened)
    assert {edge[end] for edge in graph["edges"] for end in ("source", "target")} <= {
        node["id"] for node in graph["nodes"]
    }
    return sorted(node["id"] for node in graph["nodes"]), graph["is_cut"]


def test_each_thing_that_is_opened_shows_what_it_is_shared_with(store: Store) -> None:
    add_event(store, 1, "u1", device_id="d1")
    add_event(store, 2, "u2", device_id="d1", url_domain="bad.example")
    assert names(store, ("user_id", "u1")) == (["device_id:d1", "user_id:u1"], False)
    grown = names(store, ("user_id", "u1"), ("device_id", "d1"))
    assert grown == (["device_id:d1", "user_id:u1", "user_id:u2"], False)
    assert "url_domain:bad.example" in names(store, ("user_id", "u1"), ("device_id", "d1"), ("user_id", "u2"))[0]


def test_more_than_a_bound_is_not_shown_and_that_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        add_event(store, number, f"u{number}", device_id="d1")
    monkeypatch.setattr(sharing, "MOST_NODES", 5)
    shown, is_cut = names(store, ("device_id", "d1"))
    assert (len(shown), is_cut) == (5, True)
