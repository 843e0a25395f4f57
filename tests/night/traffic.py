"""Producers: so many events a second, until they fall silent or their clocks go wrong."""

import threading
import time
from types import TracebackType

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from engine.settings import Settings
from engine.stream.kafka.clients import options

EVENTS_PER_S = 100
_USERS = 200
_SPAM = ["free crypto", "a prize for you", "casino bonus", "win cash now"]
_HAM = ["good evening", "lunch in the park", "thanks for the book", "dinner on the train"]


def is_spam(number: int) -> bool:
    """What moderators should say of a post."""
    return number % 5 == 0


def user_of(number: int) -> str:
    """Who has written it."""
    return f"user-{number % _USERS}"


def text_of(number: int) -> str:
    """What it says."""
    return f"{(_SPAM if is_spam(number) else _HAM)[number // 5 % 4]} {number}"


class Traffic(threading.Thread):
    """A context manager. `is_silent`: nothing is sent; `ahead_ms`: what the producers' clocks are wrong by."""

    def __init__(self, settings: Settings, events_per_s: int) -> None:
        super().__init__(daemon=True)
        self._pause_s = 1 / events_per_s
        self.is_silent, self.ahead_ms, self.sent = False, 0, 0
        self._topic, self._ended = settings.topics.events, threading.Event()
        self._producer = KafkaProducer(**options(settings), acks=1, max_block_ms=1_000, delivery_timeout_ms=200_000)

    def run(self) -> None:
        """Send until it is ended."""
        while not self._ended.wait(self._pause_s):
            if not self.is_silent:
                user = user_of(self.sent)
                event = {
                    "event_id": f"e{self.sent}", "type": "post", "user_id": user,
                    "ts": int(time.time() * 1000) + self.ahead_ms, "text": text_of(self.sent),
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
