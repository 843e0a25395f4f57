"""Producers: so many events a second, until they fall silent or their clocks go wrong."""

import threading
import time
from types import TracebackType

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from engine.settings import Settings
from engine.stream.clients import options

EVENTS_A_SECOND = 100
_USERS = 200


class Traffic(threading.Thread):
    """A context manager. `is_silent`: nothing is sent; `ahead_ms`: what the producers' clocks are wrong by."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.is_silent, self.ahead_ms, self.sent = False, 0, 0
        self._topic, self._ended = settings.topics.events, threading.Event()
        self._producer = KafkaProducer(**options(settings), acks=1, max_block_ms=1_000, delivery_timeout_ms=200_000)

    def run(self) -> None:
        """Send until it is ended."""
        while not self._ended.wait(1 / EVENTS_A_SECOND):
            if not self.is_silent:
                user = f"user-{self.sent % _USERS}"
                event = {
                    "event_id": f"e{self.sent}", "type": "post", "user_id": user,
                    "ts": int(time.time() * 1000) + self.ahead_ms, "text": "good evening",
                }  # fmt: skip
                try:
                    self._producer.send(self._topic, orjson.dumps(event), user.encode())
                except KafkaError:  # as in an outage: the client keeps so many, and no more
                    continue
                self.sent += 1

    def __enter__(self) -> "Traffic":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.join()
        self._producer.close(timeout=60)
