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
    """What is written to partitions, and under which epochs. `running`: the producers that have not been stopped."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.written: dict[TP, list[bytes]] = defaultdict(list)
        self.ids: list[str] = []
        self.states: dict[TP, list[tuple[int, int, int]]] = defaultdict(list)
        """Of each batch: the producer's id, the epoch, the number of its first record."""
        self.running = 0
        self.foreign: list[TP] = []
        """Who is not fenced writes here between two markers."""
        self.now_s = 5_000.0
        patch.setattr(fencing, "time", SimpleNamespace(monotonic=lambda: self.now_s, time=lambda: self.now_s))
        patch.setattr(fencing, "AIOKafkaProducer", lambda **options: Producer(self, options.get("transactional_id")))


class Batch:
    """Some keys, and under which epoch."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.state: tuple[int, int, int] | None = None

    def append(self, key: bytes, value: None, timestamp: int) -> None:
        self.keys.append(key)

    def record_count(self) -> int:
        return len(self.keys)

    def _set_producer_state(self, *state: int) -> None:
        self.state = state[0], state[1], state[2]


class Producer:
    """One with a transactional id tells its epoch, and sends nothing. One without sends what has an epoch."""

    def __init__(self, broker: Broker, transactional_id: str | None) -> None:
        self._broker, self._id, self._sender = broker, transactional_id, SimpleNamespace(_txn_manager=None)

    async def start(self) -> None:
        self._broker.running += 1
        if self._id is not None:
            self._broker.ids.append(self._id)
            number = int(self._id.rsplit("-", 1)[1])
            self._txn_manager = SimpleNamespace(producer_id=number, producer_epoch=self._broker.ids.count(self._id))

    async def stop(self) -> None:
        self._broker.running -= 1
        for tp in self._broker.foreign:
            self._broker.written[tp].append(b"foreign")

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> Awaitable[Any]:
        assert self._id is None
        assert batch.state is not None
        self._broker.states[TP(topic, partition)].append(batch.state)
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
    assert broker.running == 1  # it is shared


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
    assert (len(broker.ids), broker.running) == (1, 0)


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
    assert (len(broker.ids), broker.running) == (epochs, 1)
    marks = [(0, 1, 0), (0, 1, 1), (0, 2, 0)]  # a new epoch numbers its records anew
    assert broker.states[ONE] == marks[: 1 if epochs == 1 else 3]


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


def test_what_was_never_opened_can_be_closed() -> None:
    asyncio.run(Writers(Settings()).close())


def test_each_partition_numbers_its_own_records_under_its_own_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)

    async def write() -> None:
        writers = Writers(Settings())
        await writers.own([ONE, TWO])
        for tp, count in ((ONE, 3), (TWO, 2), (ONE, 1)):
            writer = await writers.get(tp)
            batch = writer.batch()
            for number in range(count):
                batch.append(key=b"%d" % number, value=None, timestamp=0)
            await writer.send(batch)
        await writers.own([TWO])  # a rebalance: what it keeps has a new epoch too

    asyncio.run(write())
    assert broker.states == {ONE: [(0, 1, 0), (0, 1, 1), (0, 1, 4)], TWO: [(1, 1, 0), (1, 1, 1), (1, 2, 0)]}


def test_a_producer_that_cannot_be_started_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)

    async def start(self: Producer) -> None:
        broker.running += 1
        raise ConnectionError("no broker answers")

    monkeypatch.setattr(Producer, "start", start)
    with pytest.raises(ConnectionError):
        asyncio.run(fencing.Client({}).open())
    assert broker.running == 0


def test_numbers_begin_anew_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    monkeypatch.setattr(fencing, "_NUMBERS", 3)

    async def write() -> None:
        writers = Writers(Settings())
        await writers.own([ONE])
        for _ in range(3):
            batch = (await writers.get(ONE)).batch()
            batch.append(key=b"k", value=None, timestamp=0)
            await (await writers.get(ONE)).send(batch)

    asyncio.run(write())
    assert [number for _, _, number in broker.states[ONE]] == [0, 1, 2, 0]


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
