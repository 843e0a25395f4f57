"""What answers a case: labels from anywhere, what is on its way out, revocations; and what answers an appeal."""

import pytest

from engine.console.store import queue, verdicts
from engine.console.store.database import Store
from engine.console.store.followed import CASES, REVOCATIONS
from engine.console.store.offers import Scope
from engine.console.store.recording import record
from engine.console.store.settling import last_answers
from engine.console.store.verdicts import Verdict
from engine.errors import RequestError
from tests.console import START_MS, add_action, add_case, add_event, add_label, rows_of


def is_open(store: Store) -> dict[str, bool]:
    return {row["source"]: bool(row["is_open"]) for row in rows_of(store, CASES)}


def appeal(store: Store, ts: int) -> None:
    """As it comes from its topic."""
    add_case(store, 1, source="appeal", ts=ts)
    (row,) = (row for row in rows_of(store, CASES) if row["source"] == "appeal")
    with store.write() as connection:
        connection.execute(CASES.delete().where(CASES.c.source == "appeal"))
        record(connection, {CASES: [dict(row)]}, {})


def revoke(store: Store, action_id: str) -> None:
    with store.write() as connection:
        row = {"action_id": action_id, "ts": START_MS, "author": "ann", "why": "a mistake"}
        record(connection, {REVOCATIONS: [row]}, {})


def test_a_label_from_elsewhere_closes_what_somebody_looks_at(store: Store) -> None:
    add_case(store, 1)
    with store.write() as connection:
        claim = queue.claim_next(connection, Scope("ann"), START_MS, 60_000, 0.0)
        assert claim is not None
        assert not queue.is_answered(connection, "e1", claim.kind)
    add_label(store, 1, "ham", "e1", "elsewhere")
    with store.write() as connection:
        assert queue.is_answered(connection, "e1", claim.kind)
        assert last_answers(connection, ["e1", "e2"]) == {"e1": (START_MS + 1, "ham", "elsewhere")}
    with pytest.raises(RequestError, match="answered elsewhere") as refused, store.write() as connection:
        verdicts.judge(connection, Verdict("ann", "spam"), "e1", START_MS, 0, 0.0)
    assert refused.value.status == 409
    add_label(store, 2, "retracted", "e1", "elsewhere")
    with store.write() as connection:
        verdicts.judge(connection, Verdict("ann", "spam"), "e1", START_MS + 3, 0, 0.0)


def test_what_is_on_its_way_out_closes_cases_that_come_later_too(store: Store) -> None:
    add_event(store, 1)
    add_case(store, 1)
    with store.write() as connection:
        verdicts.say_directly(connection, Verdict("ann", "spam"), [("e1", "u1")], START_MS)
    assert is_open(store) == {"review": False}
    row = {**rows_of(store, CASES)[0], "id": 9, "source": "report", "key": "another", "is_open": True}
    with store.write() as connection:
        record(connection, {CASES: [row]}, {})
    assert is_open(store) == {"review": False, "report": False}


def test_a_golden_items_answer_closes_nothing(store: Store) -> None:
    add_case(store, 1)
    with store.write() as connection:
        queue.claim_next(connection, Scope("ann"), START_MS, 60_000, 0.0)
        connection.exec_driver_sql("UPDATE claims SET kind = 'golden'")
        verdicts.judge(connection, Verdict("ann", "spam"), "e1", START_MS, 0, 0.0)
    assert is_open(store) == {"review": True}, "its label does not go out"


def test_an_appeal_is_answered_by_what_comes_after_it(store: Store) -> None:
    add_case(store, 1)
    add_label(store, 1, "spam", "e1")
    appeal(store, START_MS + 5)
    assert is_open(store) == {"review": False, "appeal": True}
    add_label(store, 4, "spam", "e1")
    assert is_open(store)["appeal"], "that was before it too"
    add_label(store, 6, "ham", "e1")
    assert is_open(store)["appeal"], "that was the same person"
    add_label(store, 7, "ham", "e1", "m2")
    assert is_open(store) == {"review": False, "appeal": False}
    add_label(store, 8, "retracted", "e1", "m2")
    assert is_open(store)["appeal"]


def test_an_appeal_is_answered_when_no_action_stands(store: Store) -> None:
    for number in (1, 2):
        add_action(store, number)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE actions SET event_id = 'e1'")
    appeal(store, START_MS + 5)
    revoke(store, "a1")
    assert is_open(store) == {"appeal": True}
    revoke(store, "a2")
    assert is_open(store) == {"appeal": False}
