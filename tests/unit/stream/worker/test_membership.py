"""How a worker's consumer lets records gather, and how it stops."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher as RealFetcher
from aiokafka.consumer.fetcher import FetchResult
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from engine.settings import Settings
from engine.stream.kafka.clients import FETCH_MAX_WAIT_MS
from engine.stream.worker.membership import GATHERED_BYTES, Member


class Client:
    """What a consumer sends by."""

    is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Fetcher:
    """With fetches that have failed and wait to be sent again."""

    def __init__(self) -> None:
        self._pending_tasks = {asyncio.ensure_future(asyncio.Event().wait()) for _ in range(3)}

    async def close(self) -> None:
        for fetch in self._pending_tasks:
            fetch.cancel()
            await fetch


class Consumer:
    """As much of aiokafka's as stops."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._client, self._fetcher, self._coordinator = Client(), fetcher, Client()

    async def stop(self) -> None:
        await self._fetcher.close()
        await self._client.close()


class Slow(Consumer):
    """Takes its time."""

    async def stop(self) -> None:
        await asyncio.Event().wait()


def thread_of(consumer: Any) -> Member:
    thread = Member.__new__(Member)
    thread._consumer = consumer
    return thread


def test_a_consumer_whose_fetches_wait_to_be_sent_again_stops_all_the_same() -> None:
    async def stopped() -> Consumer:
        consumer = Consumer(Fetcher())
        await asyncio.sleep(0)
        await thread_of(consumer).on_thread_stop()
        assert all(fetch.done() for fetch in consumer._fetcher._pending_tasks)
        return consumer

    assert asyncio.run(stopped())._client.is_closed


def test_one_that_is_cancelled_itself_ends() -> None:
    async def cancelled() -> None:
        stopping = asyncio.ensure_future(thread_of(Slow(Fetcher())).on_thread_stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await stopping

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


class Loop:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Callable[..., object], tuple[object, ...]]] = []

    def call_later(self, delay_s: float, do: Callable[..., object], *given: object) -> None:
        self.later.append((delay_s, do, given))

    def pass_time(self) -> None:
        for _, do, given in self.later:
            do(*given)


def fetched(
    patch: pytest.MonkeyPatch, records: dict[object, list[object]], linger_ms: int
) -> tuple[SimpleNamespace, Loop]:
    """How the next fetch would be asked for, and what is to happen later, after a fetch has brought these records."""
    thread, loop, fetcher = thread_of(None), Loop(), SimpleNamespace(_records={}, _fetch_min_bytes=1)
    fetcher._fetch_max_wait_ms = FETCH_MAX_WAIT_MS

    async def bring(*_: object, **__: object) -> dict[object, list[object]]:
        return records

    patch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", bring)
    patch.setattr(asyncio, "get_running_loop", lambda: loop)
    thread.app = SimpleNamespace(settings=Settings(linger_ms=linger_ms), handlers={})  # type: ignore[assignment]
    step = thread._fetch_records(SimpleNamespace(_fetcher=fetcher), None)
    with pytest.raises(StopIteration) as ended:
        step.send(None)
    assert ended.value.value == records
    return fetcher, loop


def test_records_gather_at_the_broker_behind_records_and_not_behind_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher, loop = fetched(monkeypatch, {"events": [1]}, linger_ms=6)
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == (GATHERED_BYTES, 6)
    assert [delay_s for delay_s, _, _ in loop.later] == [0.003]  # by then it has been sent, and has not come back
    loop.pass_time()
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == (1, FETCH_MAX_WAIT_MS)


@pytest.mark.parametrize(("records", "linger_ms"), [({}, 6), ({"events": [1]}, 0)])
def test_what_follows_a_silence_or_is_not_to_gather_comes_at_once(
    monkeypatch: pytest.MonkeyPatch, records: dict[object, list[object]], linger_ms: int
) -> None:
    fetcher, loop = fetched(monkeypatch, records, linger_ms)
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms, loop.later) == (1, FETCH_MAX_WAIT_MS, [])


CHANGELOG = TP("floodgate-entities-changelog", 2)


def result() -> Any:
    """What a broker has sent, of which one record is taken."""
    one = FetchResult.__new__(FetchResult)
    one.getall, one.has_more = lambda _: [1], bool
    return one


@pytest.mark.parametrize(("readable", "is_read"), [(set(), False), ({CHANGELOG}, True)])
def test_a_fetch_that_a_rebalance_meets_reads_nothing_that_is_paused(readable: set[TP], is_read: bool) -> None:
    """Faust's set is emptied and filled again while the fetch waits."""

    async def meet() -> tuple[Any, Any]:
        thread: Any = thread_of(None)
        partitions = {TP("events", 0)}
        thread.consumer = SimpleNamespace(flow_active=True)
        thread.app = SimpleNamespace(settings=Settings(linger_ms=0), handlers={})
        arrived, fetcher = asyncio.get_running_loop().create_future(), RealFetcher.__new__(RealFetcher)
        subscriptions = SimpleNamespace(reassignment_in_progress=False, fetch_context=nullcontext, is_assigned=bool)
        fetcher._subscriptions, fetcher._records, fetcher._closed = subscriptions, {}, False
        fetcher._create_fetch_waiter, fetcher._notify, fetcher._wait_consume_future = lambda: arrived, bool, None
        consumer = SimpleNamespace(_fetcher=fetcher, _closed=False)
        fetch = asyncio.ensure_future(thread._fetch_records(consumer, partitions, 0.2))
        await asyncio.sleep(0)
        partitions.clear()
        partitions.update(readable)
        fetcher._records[CHANGELOG] = result()
        arrived.set_result(None)
        return await fetch, fetcher._records

    brought, left = asyncio.run(meet())
    assert (list(brought), list(left)) == (([CHANGELOG], []) if is_read else ([], [CHANGELOG]))
