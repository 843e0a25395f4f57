"""What operators look after: what has failed goes out once more, and nothing else does."""

import pytest

from engine.console.store.database import Store
from engine.console.store.outgoing import enqueue, mark_failed, mark_sent, take_due, undo
from engine.console.store.own import OUTGOING
from tests.console import START_MS, rows_of, sign_in


@pytest.mark.parametrize(("state", "after"), [("failed", "waiting"), ("sent", "sent"), ("undone", "undone")])
def test_only_what_has_failed_is_sent_once_more(store: Store, state: str, after: str) -> None:
    with store.write() as connection:
        identity = enqueue(connection, "label", {"event_id": "e1"}, "ann", START_MS)
        if state == "undone":
            undo(connection, identity)
        else:
            take_due(connection, START_MS, START_MS, 1)
            mark_sent(connection, [identity], START_MS)
        if state == "failed":
            mark_failed(connection, [identity], "your key may not do this")
    client = sign_in(store, "operator")
    assert ("your key may not do this" in client.get("/outgoing").text) == (state == "failed")
    answers = [client.post("/outgoing/retry", data={"id": identity}).status_code for _ in range(2)]
    assert answers == [303 if state == "failed" else 409, 409]
    assert [row["state"] for row in rows_of(store, OUTGOING)] == [after]


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("moderator", False), ("analyst", True)])
def test_messages_as_they_came_are_for_those_who_mend_them(store: Store, role: str, may: bool) -> None:
    client = sign_in(store, role)
    assert client.get("/dead-letters").status_code == (200 if may else 403)
    assert ('href="/dead-letters"' in client.get("/").text) == may
