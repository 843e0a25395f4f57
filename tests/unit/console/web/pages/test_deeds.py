"""Labels, revocations and notes: what goes out, and who has done it."""

import orjson

from engine.console.store.database import Store
from engine.console.store.own import AUDIT, NOTES, OUTGOING, VERDICTS
from tests.console import add_action, add_event, rows_of, sign_in


def test_a_label_goes_out_in_the_name_of_who_gives_it(store: Store) -> None:
    add_event(store, 1)
    client = sign_in(store, "moderator", "ann")
    sent = client.post("/labels", data={"event_id": "e1", "label": "spam", "policy": "scam", "back": "/decisions/1"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/decisions/1")
    (outgoing,) = rows_of(store, OUTGOING)
    label = orjson.loads(outgoing["payload"])
    assert (label["moderator"], label["user_id"], label["policy"], outgoing["author"]) == ("ann", "u1", "scam", "ann")
    assert [row["label"] for row in rows_of(store, VERDICTS)] == ["spam"]
    assert rows_of(store, AUDIT)[-1]["object"] == "event:e1"


def test_a_reason_is_demanded_where_settings_say_so(store: Store) -> None:
    client = sign_in(store, "moderator", notes="demanded")
    response = client.post("/labels", data={"event_id": "e1", "label": "spam"})
    assert (response.status_code, "say why" in response.text) == (400, True)


def test_actions_are_revoked_once_and_with_a_reason(store: Store) -> None:
    add_action(store, 1)
    client = sign_in(store, "operator")
    assert client.post("/actions/revoke", data={"action_id": "a1"}).status_code == 400
    client.post("/actions/revoke", data={"action_id": ["a1", "a9"], "note": "a mistake"})
    (outgoing,) = rows_of(store, OUTGOING)
    payload = orjson.loads(outgoing["payload"])
    assert (outgoing["kind"], payload["action"]["action_id"], payload["note"]) == ("revoke", "a1", "a mistake")


def test_notes_are_kept(store: Store) -> None:
    client = sign_in(store, "moderator", "ann")
    client.post("/notes", data={"kind": "user_id", "value": "u1", "text": "knows the drill", "back": "//bad.example"})
    assert [(note["author"], note["text"]) for note in rows_of(store, NOTES)] == [("ann", "knows the drill")]
    assert client.post("/notes", data={"kind": "user_id", "value": "u1", "text": " "}).status_code == 400
