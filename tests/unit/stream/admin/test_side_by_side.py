"""Two sides of the same decisions: what differs, of how many users, and what is not known yet."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from engine.settings import Settings
from engine.stream.admin import side_by_side
from engine.stream.admin.side_by_side import DECISIONS, Period, Row, Side, SideBySide, Users
from engine.stream.kafka.candidates import as_candidate

SIDES: dict[Side, Settings] = {"incumbent": Settings(), "candidate": as_candidate(Settings(), "blue")}
NOW_MS = 1_000_000_000


def decision(event: str, user: str, *hits: tuple[str, str], ts: int = NOW_MS) -> dict[str, Any]:
    clauses = [{"text": "posts > 1", "value": 2, "result": True}]
    found = [{"rule": rule, "mode": "enforce", "effect": effect, "clauses": clauses} for rule, effect in hits]
    return {"event_id": event, "user_id": user, "ts": ts, "type": "post", "rulebook": "r", "hits": found}


class Topics:
    """What is on both sides' topics, with the time at which each was published."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.found: dict[str, list[tuple[int, dict[str, Any]]]] = {"decisions": [], "decisions-as-blue": []}
        self.reads = 0
        patch.setattr(side_by_side, "read_recorded", self._read)
        patch.setattr(side_by_side, "read_at", self._read_at)
        patch.setattr(DECISIONS.shape, "read", lambda value: value)

    def _read(self, _: Settings, topic: str, *__: Any, since_ms: int) -> Iterator[Any]:
        self.reads += 1
        for offset, (published, document) in enumerate(self.found[topic]):
            yield SimpleNamespace(partition=0, offset=offset, timestamp=published), document

    def _read_at(self, _: Settings, places: Any) -> Iterator[Any]:
        for topic, partition, offset in places:
            yield SimpleNamespace(partition=partition, offset=offset, value=self.found[topic][offset][1])

    def lay(self, until_ms: int = 100, most: int = 1_000, users: Users | None = None) -> SideBySide:
        return SideBySide(DECISIONS, SIDES, Period(NOW_MS, until_ms), users or Users(), most)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    return Topics(monkeypatch)


def rows(laid: SideBySide) -> dict[Row, tuple[int, int]]:
    return {(one.rule, one.incumbent, one.candidate): (one.events, one.users) for one in laid.differences()}


def test_what_one_side_alone_has_counts_once_the_other_has_been_past_it(topics: Topics) -> None:
    topics.found["decisions"] = [
        (50, decision("a", "u", ("flood", "acted"))),
        (150, decision("b", "u", ("x", "acted"))),
    ]
    topics.found["decisions-as-blue"] = [(120, decision("c", "v", ("x", "acted"))), (90, decision("d", "v"))]
    laid = topics.lay()
    assert rows(laid) == {("flood", "acted", None): (1, 1)}
    assert (laid.alike, laid.differing) == (0, 1)
    assert rows(topics.lay(until_ms=1_000)).keys() == {
        ("flood", "acted", None), ("x", "acted", None), ("x", None, "acted"),
    }  # fmt: skip


def test_what_both_sides_have_counts_at_once_and_a_repeat_once(topics: Topics) -> None:
    acted, shadow = decision("a", "u", ("flood", "acted")), decision("a", "u", ("flood", "shadow"))
    topics.found["decisions"] = [(150, acted), (160, acted), (170, decision("b", "u", ("flood", "acted")))]
    topics.found["decisions-as-blue"] = [(190, shadow), (195, decision("b", "u", ("flood", "acted")))]
    laid = topics.lay()
    assert rows(laid) == {("flood", "acted", "shadow"): (1, 1)}
    assert laid.alike == 1
    (difference,) = laid.differences()
    (example,) = difference.examples
    assert example.why == {"incumbent": "posts > 1 (2)", "candidate": "posts > 1 (2)"}


def test_events_from_before_the_period_are_no_differences(topics: Topics) -> None:
    topics.found["decisions"] = [(50, decision("a", "u", ("flood", "acted"), ts=NOW_MS - 1))]
    assert rows(topics.lay()) == {}


def test_more_than_there_is_memory_for_is_read_in_parts_with_the_same_answer(topics: Topics) -> None:
    topics.found["decisions"] = [(50, decision(f"e{n}", f"u{n % 7}", ("flood", "acted"))) for n in range(100)]
    topics.found["decisions-as-blue"] = topics.found["decisions"][:40]
    whole, reads = rows(topics.lay()), topics.reads
    assert whole == {("flood", "acted", None): (60, 7)}
    assert rows(topics.lay(most=10)) == whole
    assert topics.reads - reads > 10 * reads


def test_users_are_told_apart_up_to_a_bound_and_that_is_told(topics: Topics) -> None:
    topics.found["decisions"] = [(50, decision(f"e{n}", f"u{n}", ("flood", "acted"))) for n in range(9)]
    (difference,) = topics.lay(users=Users(most=5)).differences()
    assert (difference.events, difference.users, difference.users_are_more) == (9, 5, True)
    assert len(difference.examples) == 3
