"""A worker that has crashed ends, even where its orderly end does not."""

import os
import threading

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
