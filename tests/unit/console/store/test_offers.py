"""What is offered: shares that stay the same; an appeal is for somebody else than those who have said it."""

from engine.console.store import offers, queue, verdicts
from engine.console.store.database import Store
from engine.console.store.offers import Scope
from engine.console.store.own import OUTGOING, VERDICTS
from engine.console.store.verdicts import Verdict
from tests.console import START_MS, add_case, add_event, add_label, rows_of

LEASE_MS, HOUR_MS = 60_000, 3_600_000


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


def test_what_is_past_its_service_level_comes_first_though_it_is_worth_less(store: Store) -> None:
    add_case(store, 1, value=9)
    add_case(store, 2, value=0.1, source="appeal", ts=START_MS - 2 * HOUR_MS)
    add_case(store, 3, value=0.2, source="report", ts=START_MS - 2 * HOUR_MS)
    add_case(store, 3, value=0.2, source="agreement", ts=START_MS)
    for number in range(4, 4 + 250):
        add_case(store, number, value=5, ts=START_MS - 3 * HOUR_MS)
    scope = Scope("ann", within_ms={"appeal": HOUR_MS, "report": 3 * HOUR_MS, "agreement": HOUR_MS})
    with store.read() as connection:
        waiting = offers.find_waiting(connection, scope, START_MS)
        late = queue.count_late(connection, scope, START_MS)
    assert (waiting[0].case.event_id, waiting[0].is_late, waiting[0].due_ms) == ("e2", True, START_MS - HOUR_MS)
    assert waiting[-1].case.event_id == "e3"
    assert not any(one.is_late for one in waiting[1:])
    assert {one.due_ms for one in waiting[1:-1]} == {None}
    assert len({one.case.event_id for one in waiting}) == len(waiting), "each event once"
    assert late == {"appeal": 1, "report": 0, "agreement": 0}


def test_who_complains_about_everything_does_not_bury_the_rest(store: Store) -> None:
    flood = [
        {"source": source, "key": f"bot {number}", "event_id": f"x{number}", "user_id": "bot"}
        for source in offers.COMPLAINTS for number in range(300)
    ]  # fmt: skip
    for number, case in enumerate(flood):
        add_case(store, 1_000 + number, value=9, ts=START_MS - 99 * HOUR_MS, **case)
    for number, source in enumerate(("appeal", "report", "review")):
        add_case(store, number, value=0.1, source=source)
    scope = Scope("ann", within_ms={"appeal": HOUR_MS, "report": HOUR_MS})
    with store.read() as connection:
        waiting = [one.case.event_id for one in offers.find_waiting(connection, scope, START_MS)]
    assert sorted(waiting[:3]) == ["e0", "e1", "e2"]
    assert set(waiting[3:]) <= {case["event_id"] for case in flood}
    assert waiting[3:], "they wait all the same"


def test_who_has_labelled_it_does_not_answer_the_appeal_at_its_decision_either(store: Store) -> None:
    add_event(store, 1)
    add_label(store, 1, "spam", "e1", "ann")
    add_case(store, 1, source="appeal", ts=START_MS + 5)
    for name, waits in (("ann", True), ("bob", False)):
        with store.write() as connection:
            verdicts.say_directly(connection, Verdict(name, "spam"), [("e1", "u1")], START_MS + 9)
            assert queue.has_appeal(connection, "e1") == waits
