"""A compacted topic that is followed, over a client that has its records in a list."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from engine.errors import WorkerError
from engine.settings import Settings
from engine.stream.worker import followers
from engine.stream.worker.followers import Follower

TP0 = TopicPartition("models", 0)
TOO_LONG_S = 5.0


def record(offset: int, key: bytes | None, value: bytes | None) -> Any:
    return SimpleNamespace(offset=offset, key=key, value=value)


class Topic:
    """A topic with one partition, and a client that hands out so many of its records at a time."""

    def __init__(self, patch: pytest.MonkeyPatch, *keys: bytes, at_a_time: int = 2) -> None:
        self.records = [record(offset, key, b"v") for offset, key in enumerate(keys)]
        self.position_at, self._at_a_time, self.stopped = 0, at_a_time, 0
        self.wait: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
        patch.setattr(followers, "AIOKafkaConsumer", lambda **_: self)

    async def start(self) -> None:
        """Nothing has to be opened."""

    async def stop(self) -> None:
        self.stopped += 1

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [TP0]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.records))

    async def seek_to_beginning(self, _: TopicPartition) -> None:
        self.position_at = 0

    async def position(self, _: TopicPartition) -> int:
        return self.position_at

    async def getmany(self, _: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        await self.wait()
        found = self.records[self.position_at : self.position_at + self._at_a_time]
        self.position_at += len(found)
        return {TP0: found} if found else {}


class Reader:
    """What a follower tells. `refuses`: offsets that are not used; `breaks`: those at which it fails."""

    def __init__(self, refuses: Sequence[int] = (), breaks: Sequence[int] = (), **more: Any) -> None:
        self.received: list[tuple[str, int]] = []
        self.caught_up: list[int] = []
        self.refused, self._refuses, self._breaks = 0, refuses, breaks
        self.removed: list[int] = []
        self.follower = Follower(
            "models", Settings(), self._receive, lambda: self.caught_up.append(len(self.received)),
            on_refused=self._refuse, on_removed=lambda one: self.removed.append(one.offset), **more,
        )  # fmt: skip

    async def _receive(self, key: str, one: Any) -> bool:
        if one.offset in self._breaks:
            raise ValueError(f"{key} is broken")
        self.received.append((key, one.offset))
        return one.offset not in self._refuses

    def _refuse(self) -> None:
        self.refused += 1

    def run(self, do: Callable[[Follower], Awaitable[None]]) -> None:
        """Do something while the topic is followed."""

        async def follow() -> None:
            async with asyncio.timeout(TOO_LONG_S):
                await self.follower.start()
                await do(self.follower)
                await self.follower.stop()

        asyncio.run(follow())


async def until_caught_up(follower: Follower) -> None:
    await follower.caught_up.wait()


def test_it_has_caught_up_once_with_all_that_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, reader = Topic(monkeypatch, b"a", b"b", b"c"), Reader()

    async def write_more(follower: Follower) -> None:
        await follower.caught_up.wait()
        topic.records += [record(3, b"d", b"v")]
        await follower.read_to_end()

    reader.run(write_more)
    assert reader.received == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]
    assert (reader.caught_up, topic.stopped) == ([3], 1)


def test_an_empty_topic_is_caught_up_with_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Topic(monkeypatch)
    reader = Reader()
    reader.run(until_caught_up)
    assert (reader.received, reader.caught_up) == ([], [0])


def test_who_waits_for_the_end_waits_until_it_has_been_received(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, reader = Topic(monkeypatch, b"a", at_a_time=1), Reader()

    async def wait(follower: Follower) -> None:
        await follower.caught_up.wait()
        await follower.read_to_end()  # what has been received is not waited for
        gate = asyncio.Event()

        async def closed() -> None:
            await gate.wait()
            await asyncio.sleep(0)

        topic.wait = closed
        topic.records += [record(1, b"b", b"v"), record(2, b"c", b"v")]
        waiting = asyncio.ensure_future(follower.read_to_end())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        gate.set()
        await waiting
        assert [offset for _, offset in reader.received] == [0, 1, 2]

    reader.run(wait)


def test_what_is_not_followed_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, reader = Topic(monkeypatch, b"a"), Reader()
    other = TopicPartition("events", 3)

    async def ask(follower: Follower) -> None:
        await follower.caught_up.wait()
        assert await follower.ends_of([other]) == {other: 1}

    reader.run(ask)
    assert topic.stopped == 1

    async def ask_again() -> None:
        with pytest.raises(WorkerError, match="models is not followed any more"):
            await reader.follower.ends_of([other])
        with pytest.raises(WorkerError, match="models is not followed any more"):
            await reader.follower.read_to_end()

    asyncio.run(ask_again())


def take(reader: Reader, *records: Any) -> None:
    asyncio.run(reader.follower._take(list(records)))


def test_of_one_fetch_the_newest_of_each_group_is_used_in_the_order_of_the_topic() -> None:
    reader = Reader(group=lambda key: key[0])
    take(reader, *(record(offset, key, b"v") for offset, key in enumerate((b"a1", b"b1", b"c1", b"b2", b"a2"))))
    assert reader.received == [("c1", 2), ("b2", 3), ("a2", 4)]


def test_an_older_one_is_used_where_the_newest_is_refused_or_broken() -> None:
    reader = Reader(refuses=[4], breaks=[3])
    take(reader, *(record(offset, key, b"v") for offset, key in enumerate((b"a", b"a", b"b", b"b", b"a"))))
    assert reader.received == [("b", 2), ("a", 4), ("a", 1)]
    assert reader.refused == 1  # one that was refused in order has been counted


def test_what_is_not_accepted_takes_no_place_and_what_is_removed_is_told() -> None:
    reader = Reader(accept=lambda one: one.offset != 1)
    take(reader, record(0, b"a", b"v"), record(1, b"a", b"v"), record(2, b"b", None), record(3, None, b"v"),
         record(4, None, None))  # fmt: skip
    assert reader.received == [("a", 0)]
    assert reader.removed == [2]
