"""The queue: what is worth most comes first, and nobody gets what somebody else looks at."""

import threading
from collections import Counter

from sqlalchemy import insert

from engine.console.store import queue
from engine.console.store.database import Store
from engine.console.store.offers import Scope
from engine.console.store.own import GOLDEN
from engine.console.store.verdicts import Verdict, judge
from tests.console import START_MS, add_case, add_event

LEASE_MS = 60_000
HOUR_MS = 3_600_000


def take(store: Store, name: str, now_ms: int = START_MS, golden_share: float = 0.0, **scope: object) -> str | None:
    with store.write() as connection:
        claim = queue.claim_next(connection, Scope(name, **scope), now_ms, LEASE_MS, golden_share)  # type: ignore[arg-type]  # of a test
    return claim.event_id if claim is not None else None


def say(store: Store, name: str, event_id: str, label: str = "spam", second_share: float = 0.0) -> None:
    with store.write() as connection:
        judge(connection, Verdict(name, label), event_id, START_MS, 5_000, second_share)


def test_what_is_worth_most_comes_first_and_waiting_makes_it_worth_more(store: Store) -> None:
    add_case(store, 1, value=0.5)
    add_case(store, 2, value=0.9)
    add_case(store, 3, value=0.3, ts=START_MS - 3 * HOUR_MS)
    assert [take(store, name) for name in ("ann", "bob", "cat", "dan")] == ["e3", "e2", "e1", None]


def test_a_claim_is_over_with_its_lease_and_given_back_on_leaving(store: Store) -> None:
    add_case(store, 1)
    assert take(store, "ann") == "e1"
    assert take(store, "bob", START_MS + LEASE_MS - 1) is None
    assert take(store, "bob", START_MS + LEASE_MS) == "e1"
    with store.write() as connection:
        queue.release(connection, "ann", "e1")
    assert take(store, "cat", START_MS + LEASE_MS) is None, "ann gives back nothing that is bob's by now"
    with store.write() as connection:
        queue.release(connection, "bob", "e1")
    assert take(store, "cat", START_MS + LEASE_MS) == "e1"


def test_who_leaves_keeps_it_for_a_moment_and_who_is_back_by_then_keeps_it(store: Store) -> None:
    add_case(store, 1)
    assert take(store, "ann") == "e1"
    now_ms = START_MS + 10
    with store.write() as connection:
        first, second = (queue.keep(connection, "ann", now_ms, LEASE_MS) for _ in range(2))
        assert first is not None
        assert second is not None
        queue.leave(connection, "ann", "e1", first.until_ms, now_ms + 5)
        queue.leave(connection, "bob", "e1", second.until_ms, now_ms + 5)
    assert take(store, "bob", now_ms + 5) is None, "the page that is left is not the one that is open"
    with store.write() as connection:
        queue.leave(connection, "ann", "e1", second.until_ms, now_ms + 5)
    assert take(store, "bob", now_ms + 4) is None
    with store.write() as connection:
        third = queue.keep(connection, "ann", now_ms + 4, LEASE_MS)
        assert third is not None
    assert take(store, "bob", now_ms + 5) is None
    with store.write() as connection:
        queue.leave(connection, "ann", "e1", third.until_ms, now_ms + 9)
    assert take(store, "bob", now_ms + 9) == "e1"
    with store.write() as connection:
        assert queue.keep(connection, "ann", now_ms + 9, LEASE_MS) is None


def test_what_one_has_skipped_is_for_others_and_for_oneself_only_later(store: Store) -> None:
    add_case(store, 1, value=2)
    add_case(store, 2)
    assert take(store, "ann") == "e1"
    with store.write() as connection:
        assert not queue.skip(connection, "bob", "e1", START_MS, START_MS + HOUR_MS), "it is ann's"
        assert queue.skip(connection, "ann", "e1", START_MS, START_MS + HOUR_MS)
        assert queue.has_skipped(connection, "ann", START_MS)
        assert not queue.has_skipped(connection, "bob", START_MS)
    assert take(store, "ann") == "e2"
    assert take(store, "bob") == "e1"
    with store.write() as connection:
        queue.release(connection, "bob", "e1")
    assert take(store, "ann", START_MS + HOUR_MS - 1) == "e2"
    assert take(store, "ann", START_MS + HOUR_MS) == "e1"


def test_golden_items_are_skipped_as_all_others(store: Store) -> None:
    add_event(store, 7)
    with store.write() as connection:
        connection.execute(insert(GOLDEN).values(event_id="e7", label="spam", author="sue", note="", ts=START_MS))
    assert take(store, "ann", golden_share=1.0) == "e7"
    with store.write() as connection:
        queue.skip(connection, "ann", "e7", START_MS, START_MS + HOUR_MS)
    assert take(store, "ann", golden_share=1.0) is None


def test_one_sees_the_areas_languages_and_sources_that_are_ones_own(store: Store) -> None:
    add_case(store, 1, area="spam", language="de")
    add_case(store, 2, area="ads", language="de")
    add_case(store, 3, area="spam", language="fr", source="appeal")
    assert take(store, "ann", areas=frozenset({"ads"})) == "e2"
    assert take(store, "bob", languages=frozenset({"fr"})) == "e3"
    assert take(store, "bob", source="appeal") == "e3"
    assert take(store, "cat", source="report") is None
    with store.read() as connection:
        counts = queue.count_open(connection, Scope("ann", areas=frozenset({"spam"})))
    assert (counts["review"], counts["appeal"]) == (1, 1)


def test_twenty_who_take_at_once_never_get_the_same(store: Store) -> None:
    for number in range(100):
        add_case(store, number, value=number)
    taken: Counter[str] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        while (event_id := take(store, name)) is not None:
            with lock:
                taken[event_id] += 1
            say(store, name, event_id)

    threads = [threading.Thread(target=work, args=(f"m{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == Counter({f"e{number}": 1 for number in range(100)})


def test_golden_items_are_mixed_in_and_come_once_to_each(store: Store) -> None:
    add_case(store, 1)
    add_event(store, 7)
    with store.write() as connection:
        connection.execute(insert(GOLDEN).values(event_id="e7", label="spam", author="sue", note="", ts=START_MS))
    assert take(store, "ann", golden_share=1.0) == "e7"
    say(store, "ann", "e7", "ham")
    assert take(store, "ann", golden_share=1.0) == "e1"
    assert take(store, "sue", golden_share=1.0) is None, "who has made it knows the answer, and ann has the other"


def test_a_second_opinion_is_somebody_elses_and_a_disagreement_a_seniors(store: Store) -> None:
    add_case(store, 1)
    assert take(store, "ann") == "e1"
    say(store, "ann", "e1", "spam", second_share=1.0)
    assert take(store, "ann") is None
    assert take(store, "bob") == "e1"
    say(store, "bob", "e1", "ham")
    assert take(store, "cat") is None
    assert take(store, "sue", is_senior=True) == "e1"
    say(store, "sue", "e1", "spam")
    assert take(store, "tom", is_senior=True) is None
