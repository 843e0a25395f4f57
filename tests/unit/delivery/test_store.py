"""What is known of deliveries outlives the process."""

from pathlib import Path

import pytest

from engine.delivery.store import DeliveryStore, SetAside
from engine.errors import StoreError


def aside(action_id: str, receiver: str = "posts", at_ms: int = 10) -> SetAside:
    return SetAside(receiver, action_id, at_ms, 5, "500", b"{}")


def test_ids_are_known_by_receiver_and_after_opening_it_again(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "delivery.db")
    store = DeliveryStore(path)
    store.note_delivered("posts", "a-1", 10)
    store.close()
    store = DeliveryStore(path)
    assert store.knows("posts", "a-1")
    assert not store.knows("chats", "a-1")
    assert not store.knows("posts", "a-2")
    store.close()


def test_what_is_set_aside_is_known_until_it_is_delivered_after_all(tmp_path: Path) -> None:
    store = DeliveryStore(str(tmp_path / "delivery.db"))
    store.set_aside(aside("a-1"))
    store.set_aside(aside("a-2", "chats", at_ms=3))
    assert store.knows("posts", "a-1")
    assert store.all_set_aside() == [aside("a-2", "chats", at_ms=3), aside("a-1")]
    assert store.all_set_aside("posts") == [aside("a-1")]
    assert store.count_set_aside("posts") == 1
    store.note_delivered("posts", "a-1", 20)
    assert store.count_set_aside("posts") == 0
    assert store.knows("posts", "a-1")
    store.close()


def test_what_is_old_is_forgotten(tmp_path: Path) -> None:
    store = DeliveryStore(str(tmp_path / "delivery.db"))
    store.note_delivered("posts", "old", 10)
    store.note_delivered("posts", "new", 20)
    store.set_aside(aside("older", at_ms=9))
    assert store.prune(20) == 2
    assert not store.knows("posts", "old")
    assert not store.knows("posts", "older")
    assert store.knows("posts", "new")
    store.close()


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "delivery.db").write_text("something else " * 100)
    with pytest.raises(StoreError, match=r"`delivery.store` .* cannot be opened"):
        DeliveryStore(str(tmp_path / "delivery.db"))
