"""Each record of the topics is in the store once, wherever following stopped."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
import pytest
from kafka import TopicPartition

from engine.console.following.follower import MOST_AT_ONCE, Following
from engine.console.store.database import Store
from engine.console.store.erasure import erase
from engine.console.store.followed import EVENTS
from engine.errors import StoreError, TopicError
from engine.settings import Settings
from tests.console import START_MS, rows_of

EVENTS_0 = TopicPartition("events", 0)


class Record(NamedTuple):
    """As a consumer gives it."""

    topic: str
    value: bytes
    offset: int
    key: bytes | None = None
    partition: int = 0
    timestamp: int = START_MS
    headers: Any = ()


class Topics:
    """A consumer of topics with one partition each. Those of `events` have these records, the others none."""

    def __init__(self, events: int, first: int = 0) -> None:
        self.events, self.first, self.missing = events, first, ""
        self._places: dict[TopicPartition, int] = {}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic != self.missing else None

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._places = dict.fromkeys(partitions, 0)

    def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: self.first if tp == EVENTS_0 else 0 for tp in partitions}

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: self.events if tp == EVENTS_0 else 0 for tp in partitions}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._places[tp] = offset

    def position(self, tp: TopicPartition) -> int:
        return self._places[tp]

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
        first = self._places[EVENTS_0]
        records = [event(offset) for offset in range(first, min(self.events, first + max_records))]
        self._places[EVENTS_0] += len(records)
        return {EVENTS_0: records} if records else {}


def event(offset: int) -> Record:
    fields = {"event_id": f"e{offset}", "type": "post", "user_id": "u1", "ts": START_MS + offset}
    return Record("events", orjson.dumps(fields), offset)


def follow(store: Store, topics: Any) -> list[int]:
    """Follow to the end; how many records each step took."""
    following, taken = Following(Settings(), store, topics), list[int]()
    while count := following.step(0):
        taken.append(count)
    assert following.behind() == 0
    return taken


def test_who_is_forgotten_while_records_are_read_does_not_come_back_with_them(store: Store) -> None:
    class Forgetting(Topics):
        def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
            with store.write() as connection:
                erase(connection, ["u1"], START_MS + 1)
            return super().poll(timeout_ms, max_records)

    with pytest.raises(StoreError, match="forgotten meanwhile"):
        follow(store, Forgetting(3))
    follow(store, Topics(3))
    assert [row["event_id"] for row in rows_of(store, EVENTS)] == ["e2"], "what they did later is seen"


def offsets(store: Store) -> list[int]:
    return [row["offset"] for row in rows_of(store, EVENTS)]


def test_each_record_comes_once_in_bounded_steps(store: Store) -> None:
    assert follow(store, Topics(MOST_AT_ONCE + 3)) == [MOST_AT_ONCE, 3]
    assert follow(store, Topics(MOST_AT_ONCE + 5)) == [2]
    assert offsets(store) == list(range(MOST_AT_ONCE + 5))


def test_what_a_crash_left_undone_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("engine.console.following.follower.record", fail)
        with pytest.raises(ZeroDivisionError):
            follow(store, Topics(10))
    assert follow(store, Topics(10)) == [10]
    assert offsets(store) == list(range(10))


def test_what_a_topic_has_no_more_is_passed(store: Store) -> None:
    follow(store, Topics(3))
    assert follow(store, Topics(20, first=15)) == [5]
    assert offsets(store) == [0, 1, 2, *range(15, 20)]


def test_a_topic_that_is_another_one_is_read_from_its_beginning(store: Store) -> None:
    follow(store, Topics(30))
    assert follow(store, Topics(4)) == [4]
    assert offsets(store) == list(range(4))


def test_a_topic_that_is_missing_is_told(store: Store) -> None:
    topics: Any = Topics(0)
    topics.missing = "labels"
    with pytest.raises(TopicError, match="topic labels does not exist"):
        Following(Settings(), store, topics)
