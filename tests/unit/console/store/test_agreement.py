"""Agreement: the figures of published examples, and what they are made of."""

import pytest
from sqlalchemy import insert

from engine.console.store import agreement
from engine.console.store.agreement import alpha, kappa
from engine.console.store.database import Store
from engine.console.store.own import VERDICTS
from tests.console import START_MS

DAY_MS = 86_400_000


def test_kappa_is_that_of_the_textbook_example() -> None:
    """Fifty proposals read by two: 20 both yes, 15 both no, 5 and 10 on which they differ (Cohen, kappa .4)."""
    both = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(both) == pytest.approx(0.4)
    assert kappa([]) is None
    assert kappa([("yes", "yes")] * 3) is None, "who always say the same agree by chance"


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    """Twelve units, four observers, gaps (Krippendorff, Computing alpha-reliability, nominal data: .743)."""
    observers = (
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    units = [[said for said in unit if said != "."] for unit in zip(*map(str.split, observers), strict=True)]
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)
    assert alpha([]) is None
    assert alpha([["spam"], ["ham"]]) is None, "nobody was asked twice"


def add(store: Store, account: str, event_id: str, label: str, kind: str, **more: object) -> None:
    with store.write() as connection:
        row = {"event_id": event_id, "account": account, "label": label, "kind": kind, "ts": START_MS, **more}
        connection.execute(insert(VERDICTS).values(reason="", **row))


def test_what_moderators_do_is_told_of_each(store: Store) -> None:
    for number in range(4):
        add(store, "ann", f"g{number}", "spam", "golden", expected="spam" if number else "ham", took_ms=1_000 * number)
    add(store, "ann", "e1", "spam", "first")
    add(store, "bob", "e1", "ham", "second")
    add(store, "bob", "e2", "ham", "first", undone_ms=START_MS)
    with store.read() as connection:
        ann, bob = agreement.moderators(connection)
        assert (ann.name, ann.verdicts, ann.spam, ann.median_ms) == ("ann", 5, 5, 1_500)
        assert ann.accuracy is not None
        assert (ann.accuracy.share, ann.accuracy.of) == (0.75, 4)
        assert ann.accuracy.low < 0.75 < ann.accuracy.high
        assert (bob.verdicts, bob.accuracy) == (1, None)
        assert agreement.opinions(connection) == {"e1": {"ann": "spam", "bob": "ham"}}


def test_what_somebody_does_is_told_by_day(store: Store) -> None:
    add(store, "ann", "e1", "spam", "first", took_ms=2_000)
    add(store, "ann", "e2", "spam", "first", took_ms=4_000)
    with store.write() as connection:
        row = {"event_id": "e3", "account": "ann", "label": "ham", "kind": "first", "ts": START_MS + DAY_MS}
        connection.execute(insert(VERDICTS).values(reason="", **row))
    with store.read() as connection:
        days = agreement.throughput(connection, "ann")
    assert [(day.verdicts, day.median_ms) for day in days] == [(1, None), (2, 3_000)]
