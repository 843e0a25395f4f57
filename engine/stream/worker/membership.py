"""How a worker is a member of its group, where Faust leaves no choice: aiokafka's consumer in Faust's hands.

Private seams used (faust-streaming 0.15.3, `AIOKafkaConsumerThread._create_worker_consumer`, `_fetch_records` and
`on_thread_stop` in faust/transport/drivers/aiokafka.py; aiokafka 0.14, `_fetch_max_wait_ms` in consumer/consumer.py,
`_records`, `_pending_tasks`, `_fetch_min_bytes` and `_fetch_max_wait_ms` in consumer/fetcher.py, and
`_group_instance_id` in consumer/group_coordinator.py): `tests/unit/stream/worker/test_seams.py` fails when they move.
"""

import asyncio
from collections.abc import Container
from typing import Any

from aiokafka.consumer.fetcher import FetchResult

from engine.stream.kafka.clients import FETCH_MAX_WAIT_MS
from engine.stream.worker.one_loop import ConsumerOnLoop

HEARTBEAT_S = 0.25
"""A member learns from the answer to a heartbeat that partitions change hands, and all others wait for it."""

GATHERED_BYTES = 2 << 10
"""So much, some eight messages, is worth its requests: it is not waited for more. Where a thousand events come each
second, none of them waits for the others then."""


class Readable:
    """The partitions that may be read, at each moment of a fetch that waits. A rebalance empties Faust's set of them,
    and an empty one means all of them to aiokafka (consumer/fetcher.py, `fetched_records`): what such a fetch brought
    was dropped, and where a recovery had looked for its place by then, it waited until the watchdog ended it."""

    def __init__(self, partitions: Container[Any]) -> None:
        self._partitions = partitions

    def __contains__(self, tp: object) -> bool:
        return tp in self._partitions


class Member(ConsumerOnLoop):
    """Faust's consumer in a group: one that never makes a rebalance wait long for a fetch (Faust's may find nothing for
    1.5 seconds, and what a recovery asks waits behind it), that lets records gather where few come, that reads from all
    partitions in turn, and that leaves its group."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any,
        timeout: float | None = None,  # noqa: ASYNC109  # the parameters are Faust's
        max_records: int | None = None,
    ) -> Any:  # fmt: skip
        """What is there of all partitions, of each a batch. aiokafka gives all that it has of one before it comes to
        the next: a worker that is behind would be far ahead in one of them (`turns.py`)."""
        app: Any = self.app
        results, size = consumer._fetcher._records, app.settings.batch_max_events
        readable: Any = Readable(active_partitions) if active_partitions is not None else None
        waiting = [tp for tp in list(results) if readable is None or tp in readable]
        records: dict[Any, Any] = {}
        if all(isinstance(results[tp], FetchResult) and tp.topic in app.handlers for tp in waiting):
            for tp in waiting:
                records |= await super()._fetch_records(consumer, {tp}, timeout=0, max_records=size)
        fetched = records or await super()._fetch_records(consumer, readable, timeout, max_records)
        if fetched:
            self._gather(consumer._fetcher, app.settings.linger_ms)
        return fetched

    def _gather(self, fetcher: Any, linger_ms: int) -> None:
        """Let the next fetch wait at the broker for more than one record: each costs its share of a fetch, a publish
        and a store. It is sent in this turn of the loop; one that has brought nothing is followed by one that the
        first record ends, so what comes after a silence is decided at once."""
        if linger_ms:
            fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = GATHERED_BYTES, linger_ms
            asyncio.get_running_loop().call_later(linger_ms / 2_000, self._wait_for_first, fetcher)

    @staticmethod
    def _wait_for_first(fetcher: Any) -> None:
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = 1, FETCH_MAX_WAIT_MS

    async def on_thread_stop(self) -> None:
        """Leave the group, also where the member has a name: aiokafka would keep its partitions waiting for it
        (consumer/group_coordinator.py, `_maybe_leave_group`). One that is killed still finds its place kept.

        aiokafka's fetcher cancels its fetches and waits for them; one that has failed and waits to be sent again ends
        its closing halfway (consumer/fetcher.py, `close` and `_proc_fetch_request`). What is left is then done here."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._group_instance_id = None
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._consumer is None or task is None or task.cancelling():
                raise  # it is this thread that is cancelled
            await self._close_rest(self._consumer)

    @staticmethod
    async def _close_rest(consumer: Any) -> None:
        fetches = list(consumer._fetcher._pending_tasks)
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await consumer._client.close()
