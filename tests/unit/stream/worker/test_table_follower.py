"""The topics of tables as a worker follows them, over a client that has its records in a list."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from engine.core.domain.reference import Column, Lookup
from engine.errors import BrokerError
from engine.reference.tables import Tables
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.worker import table_follower
from engine.stream.worker.table_follower import TableFollower

PROFILE = Lookup("topic", "profile", "user_id", (Column("a", "plan"),))
MERCHANT = Lookup("topic", "merchant", "merchant_id", (Column("b", "risk"),))
TOO_LONG_S = 5.0


class Topics:
    """Topics with two partitions each, and a client that hands out one record of each at a time."""

    def __init__(self, patch: pytest.MonkeyPatch, *topics: str) -> None:
        self.records: dict[TopicPartition, list[Any]] = {
            TopicPartition(topic, partition): [] for topic in topics for partition in range(2)
        }
        self.positions: dict[TopicPartition, int] = {}
        self.counts: Callable[[], dict[str, int]] = lambda: dict.fromkeys({tp.topic for tp in self.records}, 2)
        patch.setattr(table_follower, "AIOKafkaConsumer", lambda **_: self)
        patch.setattr(table_follower, "_partition_counts", lambda *_: self.counts())
        patch.setattr(table_follower, "_IDLE_S", 0.01)
        patch.setattr(table_follower, "_LOOK_EVERY_S", 0.01)

    def put(self, topic: str, partition: int, key: str, value: bytes | None) -> None:
        self.records[TopicPartition(topic, partition)].append(SimpleNamespace(key=key.encode(), value=value))

    async def start(self) -> None:
        """Nothing has to be opened."""

    async def stop(self) -> None:
        """Nothing has to be closed."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.positions = dict.fromkeys(partitions, -1)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp] = offset

    async def seek_to_beginning(self, tp: TopicPartition) -> None:
        self.positions[tp] = 0

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: len(self.records[tp]) for tp in partitions}

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[tp]

    async def getmany(self, *tps: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        found = {tp: self.records[tp][self.positions[tp] : self.positions[tp] + 1] for tp in tps}
        for tp, records in found.items():
            self.positions[tp] += len(records)
        return found


class Followed:
    """A follower that runs."""

    def __init__(self, topics: Topics) -> None:
        self.topics, self.tables, self.metrics, self.told = topics, Tables(10, 1_000_000), Metrics(), 0
        self.follower = TableFollower(self.tables, Settings(), self.metrics, self._tell)

    def _tell(self) -> None:
        self.told += 1

    async def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():  # noqa: ASYNC110  # what is waited for says nothing
                await asyncio.sleep(0)

        await asyncio.wait_for(wait(), TOO_LONG_S)


def follow(topics: Topics, scene: Callable[[Followed], Any]) -> None:
    async def run() -> None:
        followed = Followed(topics)
        await followed.follower.start()
        try:
            await scene(followed)
        finally:
            await followed.follower.stop()

    asyncio.run(run())


def test_all_partitions_are_read_and_then_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics(monkeypatch, "users")
    for number in range(4):
        topics.put("users", number % 2, f"u{number}", b'{"plan": "free"}')
    topics.put("users", 0, "u9", b"{")

    async def scene(followed: Followed) -> None:
        assert followed.follower.is_caught_up  # of nothing
        followed.follower.use([PROFILE], {"profile": "users"})
        assert not followed.follower.is_caught_up
        await followed.until(lambda: followed.follower.is_caught_up)
        assert (followed.told, followed.tables.counts()) == (1, {"profile": 4})
        assert b'floodgate_table_rows_refused_total{reason="not_json",table="profile"} 1.0' in followed.metrics.expose()
        topics.put("users", 1, "u1", None)
        await followed.until(lambda: followed.tables.counts() == {"profile": 3})
        assert (followed.told, followed.follower.missing()) == (1, [])

    follow(topics, scene)


def test_a_new_table_is_read_from_its_beginning_and_one_that_is_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics(monkeypatch, "users", "merchants")
    topics.put("users", 0, "ann", b'{"plan": "free"}')
    topics.put("merchants", 1, "m1", b'{"risk": 1}')

    async def scene(followed: Followed) -> None:
        followed.follower.use([PROFILE], {"profile": "users"})
        await followed.until(lambda: followed.tables.counts() == {"profile": 1})
        followed.follower.use([PROFILE, MERCHANT], {"profile": "users", "merchant": "merchants"})
        await followed.until(lambda: followed.tables.counts() == {"profile": 1, "merchant": 1})
        followed.follower.use([MERCHANT], {"merchant": "merchants"})
        assert followed.tables.counts() == {"merchant": 1}
        other = Lookup("topic", "merchant", "merchant_id", (Column("b", "name"),))
        followed.follower.use([other], {"merchant": "merchants"})
        assert followed.tables.counts() == {"merchant": 0}
        await followed.until(lambda: followed.tables.counts() == {"merchant": 1})

    follow(topics, scene)


def test_a_topic_that_is_not_there_keeps_nobody_waiting_and_is_read_once_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics(monkeypatch)

    async def scene(followed: Followed) -> None:
        followed.follower.use([PROFILE], {"profile": "users"})
        await followed.until(lambda: followed.follower.is_caught_up)
        assert followed.follower.missing() == ["users"]
        topics.records |= {TopicPartition("users", partition): [] for partition in range(2)}
        topics.put("users", 0, "ann", b'{"plan": "free"}')
        await followed.until(lambda: followed.tables.counts() == {"profile": 1})
        assert followed.follower.missing() == []

    follow(topics, scene)


def test_while_no_broker_answers_nothing_is_taken_for_known(monkeypatch: pytest.MonkeyPatch) -> None:
    topics, asked = Topics(monkeypatch, "users"), list[int]()
    topics.put("users", 0, "ann", b'{"plan": "free"}')
    there = topics.counts

    def counts() -> dict[str, int]:
        asked.append(1)
        if len(asked) < 3:
            raise BrokerError("no Kafka broker answers")
        return there()

    topics.counts = counts

    async def scene(followed: Followed) -> None:
        followed.follower.use([PROFILE], {"profile": "users"})
        await followed.until(lambda: followed.follower.is_caught_up)
        assert (len(asked), followed.tables.counts()) == (3, {"profile": 1})

    follow(topics, scene)
