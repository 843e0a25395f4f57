"""Verdicts: recorded once, undone while they wait, and out as labels with what the engine has to know."""

import orjson
import pytest

from engine.console.store import queue, verdicts
from engine.console.store.database import Store
from engine.console.store.followed import CASES
from engine.console.store.offers import Scope
from engine.console.store.outgoing import mark_sent, take_due
from engine.console.store.own import OUTGOING, VERDICTS
from engine.console.store.verdicts import Verdict
from engine.errors import RequestError
from tests.console import START_MS, add_case, add_event, add_label, rows_of

LEASE_MS, UNDO_MS = 60_000, 5_000


def take(store: Store, name: str) -> str:
    with store.write() as connection:
        claim = queue.claim_next(connection, Scope(name), START_MS, LEASE_MS, 0.0)
    assert claim is not None
    return claim.event_id


def judge(store: Store, name: str, event_id: str, now_ms: int = START_MS, label: str = "spam") -> int:
    with store.write() as connection:
        return verdicts.judge(connection, Verdict(name, label, "scam", "why"), event_id, now_ms, UNDO_MS, 0.0)


def take_back(store: Store, name: str, number: int) -> list[str]:
    with store.write() as connection:
        return verdicts.take_back(connection, name, number, START_MS + 1)


def test_a_verdict_goes_out_as_a_label_with_its_propensity(store: Store) -> None:
    add_case(store, 1, propensity=0.25)
    judge(store, "ann", take(store, "ann"))
    (outgoing,) = rows_of(store, OUTGOING)
    assert outgoing["due_ms"] == START_MS + UNDO_MS
    assert orjson.loads(outgoing["payload"]) == {
        "event_id": "e1", "user_id": "u1", "label": "spam", "ts": START_MS, "moderator": "ann", "policy": "scam",
        "propensity": 0.25,
    }  # fmt: skip
    assert [case["is_open"] for case in rows_of(store, CASES)] == [False]


def test_a_label_on_what_is_reported_is_about_who_did_it(store: Store) -> None:
    add_event(store, 1, "u1")
    for number in (1, 2):
        add_case(store, number, user_id="who-reports", source="report")
    judge(store, "ann", take(store, "ann"))
    judge(store, "ann", take(store, "ann"))
    users = [orjson.loads(row["payload"]).get("user_id") for row in rows_of(store, OUTGOING)]
    assert users == ["u1", None], "the second event is not kept"


def test_who_has_lost_the_event_is_told_and_nothing_is_said_twice(store: Store) -> None:
    add_case(store, 1)
    event_id = take(store, "ann")
    with pytest.raises(RequestError, match="over") as refused:
        judge(store, "ann", event_id, START_MS + LEASE_MS)
    assert refused.value.status == 409
    with pytest.raises(RequestError):
        judge(store, "bob", event_id)
    judge(store, "ann", event_id)
    with pytest.raises(RequestError):
        judge(store, "ann", event_id)
    assert len(rows_of(store, VERDICTS)) == 1


def test_what_waits_is_undone_and_what_is_out_is_not(store: Store) -> None:
    add_case(store, 1)
    number = judge(store, "ann", take(store, "ann"))
    with pytest.raises(RequestError, match="no such verdict of yours"):
        take_back(store, "bob", number)
    assert take_back(store, "ann", number) == ["e1"]
    assert [row["state"] for row in rows_of(store, OUTGOING)] == ["undone"]
    assert take(store, "ann") == "e1", "it waits again"
    number = judge(store, "ann", "e1")
    with store.write() as connection:
        mark_sent(connection, [row.id for row in take_due(connection, START_MS + UNDO_MS, START_MS, 10)], START_MS)
    with pytest.raises(RequestError, match="retract"):
        take_back(store, "ann", number)


def test_all_of_a_bulk_are_undone_together(store: Store) -> None:
    events = [(add_event(store, number), "") for number in range(3)]
    with store.write() as connection:
        verdicts.say_directly(connection, Verdict("ann", "spam"), events, START_MS, UNDO_MS)
        last = verdicts.latest(connection, "ann")
    assert last is not None
    assert last.kind == verdicts.BULK
    assert sorted(take_back(store, "ann", last.id)) == ["e0", "e1", "e2"]
    assert {orjson.loads(row["payload"])["user_id"] for row in rows_of(store, OUTGOING)} == {"u1"}
    assert {row["state"] for row in rows_of(store, OUTGOING)} == {"undone"}


def send_all(store: Store) -> None:
    with store.write() as connection:
        mark_sent(connection, [row.id for row in take_due(connection, START_MS + UNDO_MS, START_MS, 10)], START_MS)


def test_what_is_out_is_retracted_and_offered_anew(store: Store) -> None:
    add_case(store, 1)
    number = judge(store, "ann", take(store, "ann"))
    send_all(store)
    add_label(store, 1, "spam", "e1", "ann")
    with store.write() as connection:
        with pytest.raises(RequestError, match="no such verdict of yours"):
            verdicts.retract(connection, "bob", number, START_MS, with_batch=True)
        assert verdicts.retract(connection, "ann", number, START_MS, with_batch=True) == ["e1"]
        with pytest.raises(RequestError, match="taken back already"):
            verdicts.retract(connection, "ann", number, START_MS, with_batch=True)
    sent = [orjson.loads(row["payload"]) for row in rows_of(store, OUTGOING) if row["state"] == "waiting"]
    assert sent == [
        {"event_id": "e1", "user_id": "u1", "label": "retracted", "ts": START_MS + 1, "moderator": "ann"},
    ]
    add_label(store, 2, "retracted", "e1", "ann")
    assert take(store, "ann") == "e1", "who has retracted may say it right"


def test_who_retracts_does_not_take_back_what_somebody_else_has_said_since(store: Store) -> None:
    add_case(store, 1)
    number = judge(store, "ann", take(store, "ann"))
    send_all(store)
    add_case(store, 1, source="appeal", key="a1", ts=START_MS + 1)
    with store.write() as connection:
        verdicts.say_directly(connection, Verdict("bob", "ham"), [("e1", "u1")], START_MS + 2)
        assert verdicts.retract(connection, "ann", number, START_MS + 3, with_batch=True) == ["e1"]
    assert [orjson.loads(row["payload"])["label"] for row in rows_of(store, OUTGOING)] == ["spam", "ham"]
    assert [case["is_open"] for case in rows_of(store, CASES)] == [False, False], "bob's answer to the appeal stands"
    with store.write() as connection:
        (last,) = connection.execute(VERDICTS.select().where(VERDICTS.c.account == "bob"))
        verdicts.retract(connection, "bob", last.id, START_MS + 4, with_batch=True)
    assert [case["is_open"] for case in rows_of(store, CASES)] == [True, True]


def test_what_has_not_gone_out_is_taken_back_without_a_retraction(store: Store) -> None:
    add_case(store, 1)
    number = judge(store, "ann", take(store, "ann"))
    with store.write() as connection:
        verdicts.retract(connection, "ann", number, START_MS, with_batch=True)
    assert [row["state"] for row in rows_of(store, OUTGOING)] == ["undone"]
    assert take(store, "ann") == "e1"


def test_one_of_a_bulk_is_retracted_or_all_of_them(store: Store) -> None:
    events = [(add_event(store, number), "") for number in range(3)]
    with store.write() as connection:
        verdicts.say_directly(connection, Verdict("ann", "spam"), events, START_MS)
    send_all(store)
    first, second, _ = (row["id"] for row in rows_of(store, VERDICTS))
    with store.write() as connection:
        assert verdicts.retract(connection, "ann", first, START_MS + 9, with_batch=False) == ["e0"]
        assert verdicts.retract(connection, "ann", second, START_MS + 9, with_batch=True) == ["e1", "e2"]
        last = verdicts.latest(connection, "ann")
    assert last is not None
    assert last.label == verdicts.RETRACTED
    with store.write() as connection, pytest.raises(RequestError, match="labelled anew"):
        verdicts.retract(connection, "ann", last.id, START_MS + 9, with_batch=True)


def test_those_like_it_are_those_without_a_label(store: Store) -> None:
    for number in range(4):
        add_event(store, number, device_id="d1", url_domain="bad.example")
    add_event(store, 9, device_id="d9")
    add_label(store, 1, "spam", "e2")
    with store.read() as connection:
        alike = verdicts.alike(connection, "e0", "u1")
    assert {kind: [row.event_id for row in rows] for kind, rows in alike.items()} == {
        ("device_id", "d1"): ["e3", "e1"], ("url_domain", "bad.example"): ["e3", "e1"],
    }  # fmt: skip


def test_disturbing_items_of_late_are_counted(store: Store) -> None:
    events = [(add_event(store, number), "") for number in range(3)]
    with store.write() as connection:
        verdicts.say_directly(connection, Verdict("ann", "spam"), events[:2], START_MS)
        verdicts.say_directly(connection, Verdict("ann", "ham"), events[2:], START_MS)
        assert verdicts.disturbing_of_late(connection, "ann", START_MS - 1) == 2
        assert verdicts.disturbing_of_late(connection, "ann", START_MS) == 0
