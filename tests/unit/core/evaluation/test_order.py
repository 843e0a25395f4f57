"""Users whose events come in another order than their times say."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from engine.core.domain.events import CLOCK_TOLERANCE_MS, FieldMapping
from engine.core.evaluation.evaluator import Evaluator
from engine.core.evaluation.order import MOST_BELIEVED, note_later
from engine.core.state.entities import MAX_LATENESS_MS, EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.rulebook.compiler import load_rulebook

START_MS = 1_760_000_000_000
RULES = load_rulebook({"r.yaml": """
version: 1
counters: {n: {count: post, by: user_id, over: 10m}}
rules: {flood: {event: post, when: [n >= 10], then: {flag: spam}}}
"""})  # fmt: skip
Times = Iterable[tuple[int | None, int | None]]
"""Of events: their own time, if they tell one, and when they arrive, if that is known; in milliseconds."""


class Sender:
    """One user, whose record is stored after each event."""

    def __init__(self) -> None:
        self.evaluator, self.record, self.sent = Evaluator(RULES, {}), EntityRecord(), 0

    def send(self, times: Times) -> list[bool]:
        """Which of the events are acted on."""
        return [self._is_acted_on(own, arrived) for own, arrived in times]

    def _is_acted_on(self, own: int | None, arrived: int | None) -> bool:
        self.sent += 1
        document: dict[str, Any] = {"event_id": f"e{self.sent}", "type": "post", "user_id": "u"}
        document |= {"ts": START_MS + own} if own is not None else {}
        event = FieldMapping().read(document, None if arrived is None else START_MS + arrived)
        program = RULES.program("post")
        assert program is not None
        decision = self.evaluator.evaluate(event, program, self.record).decision
        assert event.fields["ts"] == event.ts_ms
        self.record = load_record(dump_record(self.record))
        return decision is not None and bool(decision.actions)


@pytest.mark.parametrize("step_ms", [1, 100, 2 * CLOCK_TOLERANCE_MS // 100])
def test_falling_times_hide_nobody(step_ms: int) -> None:
    acted = Sender().send((CLOCK_TOLERANCE_MS - step_ms * at, 50 * at) for at in range(100))
    alone = MOST_BELIEVED + 1  # the first is the newest, and those that are believed are alone before it
    assert acted == [False] * alone + [True] * (100 - alone)


@pytest.mark.parametrize("tells", [True, False], ids=["with a time", "without"])
def test_many_that_lie_ahead_hide_none_of_those_that_come_in_time(tells: bool) -> None:
    """Those would be read as what has been forgotten, as so many stand behind them."""
    sender = Sender()
    sender.send((CLOCK_TOLERANCE_MS + at, at) for at in range(60))
    own: Callable[[int], int | None] = (lambda at: at) if tells else (lambda _: None)
    acted = sender.send((own(100 + 50 * at), 100 + 50 * at) for at in range(500))
    assert sum(acted) == 500 - MOST_BELIEVED


def test_whoever_is_in_order_now_and_then_hides_one_in_nine() -> None:
    sender, newest = Sender(), 0
    times = list[tuple[int | None, int | None]]()
    for at in range(900):
        newest += 10 * (at % 2)
        times.append((newest if at % 2 else -at, at))
    late = sender.send(times)[::2]
    assert sum(late) > 0.85 * len(late)


def test_a_few_that_are_late_count_when_they_happened() -> None:
    sender = Sender()
    sender.send([(60_000, 60_000)])
    sender.send((60_000 - at, 60_000 + at) for at in range(1, MOST_BELIEVED + 1))
    assert sender.evaluator.tally.skewed == 0
    sender.send([(50_000, 61_000)])
    assert sender.evaluator.tally.skewed == 1


def test_what_comes_in_order_makes_up_for_what_did_not() -> None:
    sender = Sender()
    for minute in range(40):
        start = minute * 60_000
        sender.send((start + at, start + at) for at in range(1, 10))
        sender.send([(start, start + 10)])
    assert sender.evaluator.tally.skewed == 0


def test_it_is_forgotten_when_nothing_of_the_kind_has_come_for_a_day() -> None:
    sender = Sender()
    sender.send((-at, at) for at in range(2 * MOST_BELIEVED))
    assert sender.record.order is not None
    sender.send([(2 * MAX_LATENESS_MS, 2 * MAX_LATENESS_MS)])
    assert sender.record.order is None


def test_where_no_arrival_is_known_the_own_time_counts() -> None:
    sender = Sender()
    assert sum(sender.send((-at, None) for at in range(100))) == 0
    assert sender.evaluator.tally.skewed == 0


def test_arrivals_that_fall_are_no_senders_doing() -> None:
    """Of two producers to one partition one was away for an hour."""
    sender = Sender()
    sender.send([(3_600_000, 3_600_000)])
    assert sum(sender.send((60_000 * at, 60_000 * at) for at in range(50))) == 41  # as they are a minute apart
    assert sender.evaluator.tally.skewed == 0


def test_what_follows_from_events_makes_none_of_them_late() -> None:
    sender = Sender()
    sender.send([(0, 0)])
    note_later(sender.record, sender.record.newest + 60_000)
    sender.send((at, at) for at in range(1, 50))
    assert sender.record.order is not None
    assert sender.record.order.disorder == 0
    sender.send([(60_000, 60_000)])
    assert sender.record.order is None


def test_it_is_known_as_long_as_the_record_though_times_get_another_base() -> None:
    sender = Sender()
    sender.send((-at, at) for at in range(2 * MOST_BELIEVED))
    was = sender.record.order
    assert was is not None
    sender.record._rebase(sender.record.base_ms + 3_000)
    assert sender.record.order is not None
    assert sender.record.base_ms + sender.record.order.newest == START_MS + 15


def test_users_in_order_have_nothing_of_it() -> None:
    sender = Sender()
    sender.send((at, at) for at in range(50))
    assert sender.record.order is None
