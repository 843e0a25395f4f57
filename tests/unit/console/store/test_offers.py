"""What is offered: shares that stay the same; an appeal is for somebody else than those who have said it."""

from engine.console.store import offers, queue, verdicts
from engine.console.store.database import Store
from engine.console.store.offers import Scope
from engine.console.store.own import OUTGOING, VERDICTS
from engine.console.store.verdicts import Verdict
from tests.console import START_MS, add_case, add_event, add_label, rows_of

LEASE_MS = 60_000


def take(store: Store, name: str) -> tuple[str, str] | None:
    with store.write() as connection:
        claim = queue.claim_next(connection, Scope(name), START_MS, LEASE_MS, 0.0)
    return (claim.event_id, claim.kind) if claim is not None else None


def test_a_share_is_always_the_same_and_about_as_large_as_it_says() -> None:
    chosen = [number for number in range(10_000) if offers.is_chosen(f"e{number}", "second", 0.1)]
    assert 900 < len(chosen) < 1_100
    others = [number for number in range(10_000) if offers.is_chosen(f"e{number}", "golden", 0.1)]
    assert 50 < len(set(chosen) & set(others)) < 150
    assert not offers.is_chosen("e1", "second", 0.0)
    assert offers.is_chosen("e1", "second", 1.0)


def test_an_appeal_is_for_somebody_else_than_who_has_labelled_it(store: Store) -> None:
    add_event(store, 1)
    add_label(store, 1, "spam", "e1", "ann")
    add_case(store, 1, source="appeal", ts=START_MS + 5)
    add_case(store, 1, key="also asked by a model")
    assert take(store, "ann") is None
    assert take(store, "bob") == ("e1", "appeal")
    with store.write() as connection:
        verdicts.judge(connection, Verdict("bob", "ham"), "e1", START_MS, 0, 1.0)
    (verdict,) = rows_of(store, VERDICTS)
    assert (verdict["kind"], verdict["ts"]) == ("appeal", START_MS + 6), "after the appeal, whatever the clocks say"
    assert len(rows_of(store, OUTGOING)) == 1
    assert take(store, "cat") is None


def test_who_has_labelled_it_does_not_answer_the_appeal_at_its_decision_either(store: Store) -> None:
    add_event(store, 1)
    add_label(store, 1, "spam", "e1", "ann")
    add_case(store, 1, source="appeal", ts=START_MS + 5)
    for name, waits in (("ann", True), ("bob", False)):
        with store.write() as connection:
            verdicts.say_directly(connection, Verdict(name, "spam"), [("e1", "u1")], START_MS + 9)
            assert queue.has_appeal(connection, "e1") == waits
