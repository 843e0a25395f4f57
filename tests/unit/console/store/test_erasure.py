"""Who is forgotten is gone from every table, and does not come back with a rebuild; what they do later is seen."""

from sqlalchemy import insert

from engine.console.store.database import Store
from engine.console.store.erasure import ErasedUsers, erase
from engine.console.store.followed import CASES, EVENTS, LABELS
from engine.console.store.outgoing import enqueue
from engine.console.store.own import NOTES
from engine.console.store.queue import ask_further
from engine.console.store.verdicts import Verdict, say_directly
from tests.console import START_MS, add_action, add_case, add_decision, add_event, add_label, rows_of


def test_nothing_is_left_of_somebody_and_all_of_the_others(store: Store) -> None:
    for number, user_id in ((1, "u1"), (2, "u2")):
        add_event(store, number, user_id, device_id="d1")
        add_decision(store, number, user_id, "flood")
        add_action(store, number, user_id)
        add_case(store, number, user_id=user_id)
        add_label(store, number, "spam", f"e{number}")
        with store.write() as connection:
            say_directly(connection, Verdict("ann", "spam"), [(f"e{number}", user_id)], START_MS)
            for kind, value in (("user_id", user_id), ("event", f"e{number}")):
                connection.execute(insert(NOTES).values(kind=kind, value=value, author="ann", text="t", ts=1))
            ask_further(connection, f"e{number}", user_id, "second", "ann", START_MS)
            enqueue(connection, "revoke", {"action": {"user_id": user_id}}, "ann", START_MS)
        add_case(store, number, source="report", user_id="who-reports")
    with store.write() as connection:
        assert erase(connection, ["u1", "pseudonym"], START_MS) == 14
    kept = [
        "events", "mentions", "decisions", "hits", "actions", "cases", "labels", "verdicts", "notes",
        "further_opinions", "outgoing",
    ]  # fmt: skip
    with store.read() as connection:
        for table in kept:
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # names of our own
            assert rows, table
            assert not any("u1" in row or "e1" in row for row in rows), table
            assert not any(b'"u1"' in value for row in rows for value in row if isinstance(value, bytes)), table


def test_who_has_used_an_id_of_another_takes_nothing_of_theirs_along(store: Store) -> None:
    add_event(store, 1, "u2")
    add_decision(store, 1, "u1")
    add_label(store, 1, "spam", "e1")
    add_case(store, 1, user_id="u2")
    with store.write() as connection:
        assert erase(connection, ["u1"], START_MS) == 1
    for table in (EVENTS, LABELS, CASES):
        assert len(rows_of(store, table)) == 1, table


def test_what_was_before_stays_out_and_what_comes_later_is_seen(store: Store) -> None:
    with store.write() as connection:
        erase(connection, ["u1"], START_MS)
    erased = ErasedUsers()
    with store.read() as connection:
        erased.read(connection)
    assert erased.has("u1", START_MS)
    assert not erased.has("u1", START_MS + 1), "being forgotten once exempts nobody"
    assert not erased.has("u2", START_MS)
