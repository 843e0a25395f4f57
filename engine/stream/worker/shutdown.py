"""A worker ends when all is done, and one that has crashed even where its orderly end does not come."""

import asyncio
import os
import threading

import faust.worker
import structlog

_WITHIN_S = 10.0
_log = structlog.stdlib.get_logger("floodgate")


def end_soon(within_s: float = _WITHIN_S) -> None:
    """End this process by force when it is still there after so long. Nothing is lost by that: what is not durable is
    not committed. An orderly stop can wait for ever, as when the group is joined anew while Faust closes its consumer
    (faust/transport/drivers/aiokafka.py, `AIOKafkaConsumerThread.on_thread_stop`)."""
    timer = threading.Timer(within_s, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    _log.error("this worker did not stop by itself: it is ended")
    os._exit(1)


class PromptWorker(faust.worker.Worker):
    """Faust's, which would wait another second when all is done (mode/worker.py, `_sentinel_task`)."""

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)
