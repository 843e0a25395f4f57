"""How a worker's consumer stops."""

import asyncio
from typing import Any

import pytest

from engine.stream.worker.membership import MemberThread


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


def thread_of(consumer: Any) -> MemberThread:
    thread = MemberThread.__new__(MemberThread)
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
