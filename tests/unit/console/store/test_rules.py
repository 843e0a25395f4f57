"""What rules have met, as the store tells it."""

from sqlalchemy import insert

from engine.console.store import rules
from engine.console.store.database import Store
from engine.console.store.followed import HITS
from engine.console.store.rules import DAY_MS
from tests.console import START_MS, add_decision, add_label


def add_hit(store: Store, decision: int, rule: str, effect: str) -> None:
    """One more hit of a decision."""
    with store.write() as connection:
        ts = START_MS + decision * 1_000
        connection.execute(insert(HITS).values(decision=decision, rule=rule, mode="enforce", effect=effect, ts=ts))


def test_hits_are_counted_and_judged_by_the_newest_labels(store: Store) -> None:
    for number in range(6):
        add_decision(store, number, rule="flood")
    for number, label in enumerate(("spam", "ham", "spam", "retracted")):
        add_label(store, number, label, f"e{number}")
    add_label(store, 9, "ham", "e0")
    with store.read() as connection:
        assert rules.count_hits(connection, ["flood", "other"], START_MS) == {"flood": 6, "other": 0}
        assert rules.judge_hits(connection, START_MS)["flood"] == rules.Judged(1, 2)
        hits = rules.sample_hits(connection, "flood", START_MS)
        assert [hit.label for hit in hits] == [None, None, None, "spam", "ham", "ham"]
        assert rules.judged(hits).spam == 1


def test_the_day_ends_with_what_was_decided_last_and_never_later_than_now(store: Store) -> None:
    with store.read() as connection:
        assert rules.newest_ms(connection, 7) == 7
    add_decision(store, 5)
    with store.read() as connection:
        assert rules.newest_ms(connection, START_MS + DAY_MS) == START_MS + 5_000
        assert rules.newest_ms(connection, START_MS) == START_MS


def test_hours_tell_what_was_enforced_and_what_was_in_shadow(store: Store) -> None:
    add_decision(store, 1, rule="flood")
    add_decision(store, 2)
    add_hit(store, 2, "flood", "shadow")
    with store.read() as connection:
        times, enforced, shadow, is_whole = rules.hits_by_hour(connection, "flood", START_MS + 3_000)
    assert len(times) == len(enforced) == len(shadow) == 168
    assert (sum(enforced), sum(shadow), is_whole) == (1, 1, True)


def test_rules_that_meet_the_same_are_found(store: Store) -> None:
    for number in range(1, 4):
        add_decision(store, number, rule="flood")
        add_hit(store, number, "links", "acted")
    with store.read() as connection:
        hits = rules.sample_hits(connection, "flood", START_MS)
        found = rules.overlaps(connection, [hit.row.decision for hit in hits], "flood")
    assert found == [("links", 3)]
