"""Breaks: disturbing items are counted, a break is offered, taken or declined."""

import time

import pytest

from engine.console.store.database import Store
from engine.console.store.own import CLAIMS
from engine.console.store.verdicts import Verdict, say_directly
from tests.console import add_case, add_event, rows_of, sign_in

OFFER = "a good moment for a break"
NOW_S = 1_795_000_000.0


def test_who_has_seen_much_is_offered_a_break(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOW_S]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for number in range(6):
        add_event(store, number)
    add_case(store, 9)
    client = sign_in(store, "moderator", break_after=2, golden_share=0.0, break_m=5)

    def see(*numbers: int) -> str:
        now[0] += 1
        with store.write() as connection:
            for number in numbers:
                say_directly(connection, Verdict("moderator", "spam"), [(f"e{number}", "u1")], int(now[0] * 1000))
        now[0] += 1
        return client.get("/queue").text

    page = see(0)
    assert "1 disturbing within the hour" in page
    assert OFFER not in page
    assert OFFER in see(1)
    client.post("/queue/break", data={"answer": "decline"})
    page = see(2)
    assert "3 disturbing within the hour" in page
    assert OFFER not in page, "it counts anew"
    assert OFFER in see(3)
    client.post("/queue/next")
    assert len(rows_of(store, CLAIMS)) == 1
    client.post("/queue/break", data={"answer": "take"})
    assert rows_of(store, CLAIMS) == []
    page = client.get("/queue").text
    assert "Your break lasts until" in page
    assert "Take the next" not in page
    now[0] += 5 * 60
    page = client.get("/queue").text
    assert "Take the next" in page
    assert OFFER not in page


def test_who_goes_on_before_the_end_gets_the_next(store: Store) -> None:
    add_event(store, 1)
    add_case(store, 1)
    client = sign_in(store, "moderator", golden_share=0.0)
    client.post("/queue/break", data={"answer": "take"})
    client.post("/queue/break", data={"answer": "go on"})
    assert [row["event_id"] for row in rows_of(store, CLAIMS)] == ["e1"]
    assert client.post("/queue/break", data={"answer": "maybe"}).status_code == 400


def test_the_days_tell_how_much_was_disturbing(store: Store) -> None:
    for number in range(3):
        add_event(store, number)
    client = sign_in(store, "moderator")
    for label, number in (("spam", 0), ("spam", 1), ("ham", 2)):
        client.post("/labels", data={"event_id": f"e{number}", "label": label})
    page = client.get("/queue/mine").text
    assert '<td class="number">3</td><td class="number">2</td>' in page
