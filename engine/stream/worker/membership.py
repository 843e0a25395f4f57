"""How a worker is a member of its group, where Faust leaves no choice: aiokafka's consumer in Faust's thread.

Private seams used (faust-streaming 0.15.3, `AIOKafkaConsumerThread._create_worker_consumer` and `on_thread_stop` in
faust/transport/drivers/aiokafka.py; aiokafka 0.14, `_fetch_max_wait_ms` in consumer/consumer.py, and
`_group_instance_id` in consumer/group_coordinator.py): `tests/unit/stream/worker/test_seams.py` fails when they move.
"""

from typing import Any

from faust.transport.drivers import aiokafka as driver

from engine.stream.kafka.clients import FETCH_MAX_WAIT_MS

HEARTBEAT_S = 0.25
"""A member learns from the answer to a heartbeat that partitions change hands, and all others wait for it."""


class MemberThread(driver.AIOKafkaConsumerThread):
    """Faust's thread, with a consumer that never makes a rebalance wait long for a fetch (Faust's may find nothing for
    1.5 seconds, and what a recovery asks waits behind it), and that leaves its group."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def on_thread_stop(self) -> None:
        """Leave the group, also where the member has a name: aiokafka would keep its partitions waiting for it
        (consumer/group_coordinator.py, `_maybe_leave_group`). One that is killed still finds its place kept."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._group_instance_id = None
        await super().on_thread_stop()
