"""One writer for each partition, over a broker that knows only epochs and offsets."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine.errors import WorkerError
from engine.settings import Settings, TopicNames
from engine.stream.worker import fencing
from engine.stream.worker.fencing import OWNER, Writers, raise_if_apart

DAY_S = 86_400.0
ONE, TWO = TP("changelog", 0), TP("changelog", 1)
TOPICS = TopicNames()


class Broker:
    """What is written to partitions, and who writes there."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.written: dict[TP, list[bytes]] = defaultdict(list)
        self.ids: list[str] = []
        self.running: set[str] = set()
        self.foreign: list[TP] = []
        """Who is not fenced writes here between two markers."""
        self.now_s = 5_000.0
        patch.setattr(fencing, "time", SimpleNamespace(monotonic=lambda: self.now_s, time=lambda: self.now_s))
        patch.setattr(fencing, "AIOKafkaProducer", lambda **options: Producer(self, options["transactional_id"]))


class Producer:
    """Sends without a transaction only when its transactional id has been taken away."""

    def __init__(self, broker: Broker, transactional_id: str) -> None:
        self._broker, self._id = broker, transactional_id
        self._txn_manager = SimpleNamespace(transactional_id=transactional_id)

    async def start(self) -> None:
        self._broker.ids.append(self._id)
        self._broker.running.add(self._id)

    async def stop(self) -> None:
        self._broker.running.remove(self._id)
        for tp in self._broker.foreign:
            self._broker.written[tp].append(b"foreign")

    def create_batch(self) -> Any:
        keys: list[bytes] = []
        return SimpleNamespace(keys=keys, append=lambda key, value, timestamp: keys.append(key))

    async def send_batch(self, batch: Any, topic: str, partition: int) -> Awaitable[Any]:
        assert self._txn_manager.transactional_id is None
        written = self._broker.written[TP(topic, partition)]
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(SimpleNamespace(offset=len(written)))
        written += batch.keys
        return acknowledged


def test_who_owns_a_partition_writes_behind_its_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.written[TWO] = [b"old"] * 7

    async def write() -> dict[TP, int]:
        writers = Writers(Settings())
        await writers.own([ONE, TWO, ONE])
        assert await (await writers.get(ONE)).send((await writers.get(ONE)).batch()) == 1
        return dict(writers.next_offset)

    assert asyncio.run(write()) == {ONE: 1, TWO: 8}
    assert (broker.written[ONE], broker.written[TWO][7:]) == ([OWNER], [OWNER])
    assert sorted(broker.ids) == ["floodgate-changelog-0", "floodgate-changelog-1"]


def test_who_no_longer_owns_a_partition_does_not_write_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)

    async def write() -> None:
        writers = Writers(Settings())
        await writers.own([ONE])
        await writers.own([TWO])
        assert list(writers.next_offset) == [TWO]
        with pytest.raises(WorkerError, match="not this worker's to write"):
            await writers.get(ONE)

    asyncio.run(write())
    assert broker.running == {"floodgate-changelog-1"}


def test_what_is_closed_owns_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)

    async def write() -> None:
        writers = Writers(Settings())
        await writers.own([ONE])
        await writers.close()
        await writers.own([ONE])  # a rebalance that comes to an end while the worker stops
        with pytest.raises(WorkerError, match="not this worker's to write"):
            await writers.get(ONE)

    asyncio.run(write())
    assert (len(broker.ids), broker.running) == (1, set())


@pytest.mark.parametrize(("after_s", "epochs"), [(DAY_S - 1, 1), (DAY_S, 1), (DAY_S + 1, 2)])
def test_an_epoch_is_renewed_after_a_day(monkeypatch: pytest.MonkeyPatch, after_s: float, epochs: int) -> None:
    broker = Broker(monkeypatch)

    async def write() -> int:
        writers = Writers(Settings())
        await writers.own([ONE])
        broker.now_s += after_s
        for _ in range(3):
            await writers.get(ONE)
        return writers.next_offset[ONE]

    # The present owner marks its end before it gives its epoch up, and the new epoch's beginning.
    assert asyncio.run(write()) == len(broker.written[ONE]) == (1 if epochs == 1 else 3)
    assert (len(broker.ids), len(broker.running)) == (epochs, 1)


def test_one_who_writes_while_an_epoch_is_renewed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)

    async def write() -> None:
        writers = Writers(Settings())
        await writers.own([ONE])
        broker.now_s += DAY_S + 1
        broker.foreign = [ONE]
        with pytest.raises(WorkerError, match="was written by another"):
            await writers.get(ONE)

    asyncio.run(write())


def test_a_writer_that_was_never_opened_can_be_closed() -> None:
    asyncio.run(fencing.Writer(ONE, "id", {}).close())


@pytest.mark.parametrize(
    ("assigned", "apart"),
    [
        ([], False),
        ([(TOPICS.events, 1), (TOPICS.labels, 1), (TOPICS.hops, 1), (TOPICS.examples, 0), ("other", 5)], False),
        ([(TOPICS.events, 1), (TOPICS.labels, 1)], True),
        ([(TOPICS.events, 1), (TOPICS.labels, 2), (TOPICS.hops, 1)], True),
        ([(TOPICS.events, 1), (TOPICS.events, 2), (TOPICS.labels, 1), (TOPICS.hops, 1)], True),
    ],
)
def test_topics_that_share_state_have_to_stay_together(assigned: list[tuple[str, int]], apart: bool) -> None:
    tps = [TP(*one) for one in assigned]
    if apart:
        with pytest.raises(WorkerError, match="came apart"):
            raise_if_apart(TOPICS, tps)
    else:
        raise_if_apart(TOPICS, tps)
