"""Faust's consumer on the loop of everything else, and not in a thread with a loop of its own.

Two loops in two threads hand each other the interpreter: each fetch woke the consumer's thread, and each answer the
main one, which waited for the other to let go (decision 62). Nothing here holds up the loop for as long as heartbeats
may be late: batches are bounded, and what takes long (compiling, loading) has a thread of its own.

Private seams used (mode-streaming 0.7.1, `Worker`, `_serve` and `_gather_remaining_tasks` in mode/threads.py;
faust-streaming 0.15.3, `_ensure_consumer` and `getmany` in faust/transport/drivers/aiokafka.py):
`tests/unit/stream/worker/test_seams.py` fails when they move.
"""

import asyncio
from contextlib import suppress
from typing import Any

from faust.transport.drivers import aiokafka as driver


class LoopWorker:
    """What Faust takes for the service's thread: the service is a task."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve, in this loop."""
        self._running = asyncio.ensure_future(self._serve())

    def stop(self) -> None:
        """Nothing is left to wait for: Faust has waited for the shutdown that is told below."""

    async def _serve(self) -> None:
        try:
            with suppress(Exception):  # it has told the application (`ServiceThread._serve`)
                await self._service._serve()
        finally:
            self._service.set_shutdown()


class ConsumerOnLoop(driver.AIOKafkaConsumerThread):
    """Faust's thread for the consumer, without a thread."""

    Worker: Any = LoopWorker

    def __init__(self, consumer: Any, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **options)

    async def getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109  # Faust's
        """What the next fetch brings, without the queue between threads. Where the waiting is given up, so is nothing
        else: what was fetched stays with aiokafka."""
        consumer = self._ensure_consumer()
        return await self._fetch_records(consumer, active_partitions, timeout, consumer._max_poll_records)

    async def _gather_remaining_tasks(self) -> None:
        """Faust would cancel all that is left on the loop, which is everybody's here."""
