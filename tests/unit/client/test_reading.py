"""A loop over actions that ends when nothing comes ends when nothing is left, however slow its group is."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from kafka import TopicPartition
from kafka.structs import ConsumerGroupMetadata, MemberState

from engine.client import reading
from engine.client.reading import actions
from engine.settings import Settings
from tests.unit.client.test_action import DOCUMENT

TP = TopicPartition("actions", 0)
POLL_S = 10.0
"""So long each poll takes here."""

Polled = tuple[str, list[str]]
"""What the group is by now, and the ids that come."""


class Consumer:
    """Of a partition, with these polls; the last one again and again."""

    def __init__(self, polls: list[Polled]) -> None:
        self._polls, self._state, self._position = iter(polls), "", 0
        self._end, self.now_s, self._last = sum(len(ids) for _, ids in polls), 0.0, polls[-1]

    def poll(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        self.now_s += POLL_S
        self._state, ids = next(self._polls, self._last)
        first, self._position = self._position, self._position + len(ids)
        records = [self._record(first + at, one) for at, one in enumerate(ids)]
        return {TP: records} if records else {}

    @staticmethod
    def _record(offset: int, action_id: str) -> Any:
        value = orjson.dumps({**DOCUMENT, "action_id": action_id})
        return SimpleNamespace(partition=0, offset=offset, key=b"", value=value, headers=[], timestamp=offset)

    def group_metadata(self) -> ConsumerGroupMetadata:
        return ConsumerGroupMetadata(group_id="g", state=self._state)

    def assignment(self) -> set[TopicPartition]:
        return {TP} if self._state == MemberState.STABLE else set()

    def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self._end)

    def position(self, _: TopicPartition) -> int:
        return self._position

    def commit(self, _: Any) -> None: ...

    def close(self, autocommit: bool) -> None: ...


UNJOINED: Polled = MemberState.UNJOINED, []
REBALANCING: Polled = MemberState.REBALANCING, []
NOTHING: Polled = MemberState.STABLE, []


def some(*ids: str) -> Polled:
    return MemberState.STABLE, list(ids)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "actions.db")


@pytest.mark.parametrize(
    "polls",
    [
        [some("a", "b"), NOTHING],
        [UNJOINED, REBALANCING, UNJOINED, some("a", "b"), NOTHING],  # the group takes its time
        [NOTHING, NOTHING, some("a"), NOTHING, NOTHING, some("b"), NOTHING],  # and so does what it has
        [some("a"), REBALANCING, REBALANCING, some("b"), NOTHING],
    ],
)
def test_all_that_is_there_comes_before_a_loop_is_idle(
    polls: list[Polled], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Consumer(polls)
    monkeypatch.setattr(reading, "KafkaConsumer", lambda *_, **__: consumer)
    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: consumer.now_s, time_ns=lambda: 0))
    assert [one.action_id for one in actions(Settings(), store=store, idle_s=POLL_S)] == ["a", "b"]


def test_one_without_a_share_is_idle_too(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer([UNJOINED, NOTHING])
    monkeypatch.setattr(reading, "KafkaConsumer", lambda *_, **__: consumer)
    monkeypatch.setattr(consumer, "assignment", set)
    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: consumer.now_s, time_ns=lambda: 0))
    assert list(actions(Settings(), store=store, idle_s=3 * POLL_S)) == []
    assert consumer.now_s >= 4 * POLL_S
