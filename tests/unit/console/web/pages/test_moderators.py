"""Moderators' figures, golden items, quarantine."""

import orjson

from engine.console.store.database import Store
from engine.console.store.own import GOLDEN, OUTGOING
from tests.console import add_case, add_event, rows_of, sign_in


def test_how_moderators_decide_is_told(store: Store) -> None:
    add_case(store, 1)
    for name, label in (("ann", "spam"), ("bob", "ham")):
        client = sign_in(store, "moderator", name, golden_share=0.0, second_review_share=1.0)
        client.post("/queue/next")
        client.post("/queue/verdict", data={"event_id": "e1", "label": label})
    senior = sign_in(store, "senior")
    page = senior.get("/moderators").text
    assert "ann and bob" in page
    assert "/decisions?event_id=e1" in page
    assert "verdicts of late" in senior.get("/moderators/ann").text
    assert senior.get("/moderators/nobody").status_code == 404
    assert [one["name"] for one in senior.get("/api/moderators").json()["moderators"]] == ["ann", "bob"]


def test_golden_items_are_events_that_are_known(store: Store) -> None:
    add_event(store, 1)
    client = sign_in(store, "senior")
    assert client.post("/moderators/golden", data={"event_id": "e9", "label": "spam"}).status_code == 404
    assert client.post("/moderators/golden", data={"event_id": "e1", "label": "maybe"}).status_code == 400
    client.post("/moderators/golden", data={"event_id": "e1", "label": "spam"})
    assert [row["event_id"] for row in rows_of(store, GOLDEN)] == ["e1"]
    client.post("/moderators/golden/drop", data={"event_id": "e1"})
    assert rows_of(store, GOLDEN) == []


def test_a_quarantine_goes_out_to_the_trainer(store: Store) -> None:
    client = sign_in(store, "senior")
    client.post("/moderators/mod-7/quarantine", data={"note": "bribed"})
    client.post("/moderators/mod-7/quarantine", data={"note": "was not", "lift": "yes"})
    assert [orjson.loads(row["payload"])["quarantined"] for row in rows_of(store, OUTGOING)] == [True, False]
