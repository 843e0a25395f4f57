"""An event is put on the log, and its reply waited for.

What waits is bounded: questions, of all and of one user, and events that Kafka has not taken yet. The same event, asked
again while its reply is under way here, is not published again: both wait for one reply.
"""

import asyncio
import time
from collections import Counter
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaError

from engine.serve.metrics import ServeMetrics
from engine.settings import Settings
from engine.stream.handlers.replies import ASKED, Reply

_log = structlog.stdlib.get_logger("floodgate.serve")


class Heard(NamedTuple):
    """What has come of a question. `reply`: None where none came in time; `is_published`: Kafka has the event."""

    reply: Reply | None
    is_published: bool


class _Open:
    """An event whose reply is waited for by `waiting` questions."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self.is_published, self.waiting = False, 0


class Asking:
    """Asks. `producer` may be None for as long as there is none."""

    def __init__(self, settings: Settings, metrics: ServeMetrics) -> None:
        own, self._metrics = settings.serve, metrics
        self._topic = settings.topics.raw_events if settings.enrichment.is_used else settings.topics.events
        self._most, self._most_of_user = own.most_waiting, own.most_waiting_of_user
        self._open: dict[bytes, _Open] = {}
        self._users = Counter[bytes]()
        self._publishing = set[asyncio.Task[None]]()
        self.producer: Any = None
        self._waiting = 0

    @property
    def is_busy(self) -> bool:
        """Whether no further question can wait."""
        return max(self._waiting, len(self._publishing)) >= self._most

    def is_busy_with(self, user: bytes) -> bool:
        """Whether no further question about a user can wait."""
        return self._users[user] >= self._most_of_user

    async def ask(self, user: bytes, token: bytes, event: bytes, timeout_s: float) -> Heard:
        """Publish an event of a user and wait for its reply, which comes under the token."""
        found = self._open.get(token)
        if found is None:
            found = self._open[token] = _Open()
            self._start_publishing(found, user, token, event)
        found.waiting += 1
        self._users[user] += 1
        self._waiting += 1
        self._metrics.waiting.set(self._waiting)
        try:
            await asyncio.wait((found.reply,), timeout=timeout_s)
            return Heard(found.reply.result() if found.reply.done() else None, found.is_published)
        finally:
            self._waiting -= 1
            self._metrics.waiting.set(self._waiting)
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]
            found.waiting -= 1
            if not found.waiting and self._open.get(token) is found:
                del self._open[token]

    def is_waiting_for(self, token: bytes | None) -> bool:
        """Whether somebody waits for what comes under this token."""
        return token in self._open

    def hear(self, token: bytes, reply: Reply) -> None:
        """A reply has come."""
        found = self._open.get(token)
        if found is not None and not found.reply.done():
            found.is_published = True
            found.reply.set_result(reply)

    async def drain(self) -> None:
        """Wait until Kafka has taken, or refused, what is on its way there."""
        while self._publishing:
            await asyncio.wait(set(self._publishing))

    def _start_publishing(self, opened: _Open, user: bytes, token: bytes, event: bytes) -> None:
        task = asyncio.ensure_future(self._publish(opened, user, token, event))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, opened: _Open, user: bytes, token: bytes, event: bytes) -> None:
        started_s = time.perf_counter()
        try:
            await self.producer.send_and_wait(self._topic, event, user, headers=[(ASKED, token)])
            opened.is_published = True
            self._metrics.publish.observe(time.perf_counter() - started_s)
        except (KafkaError, AttributeError) as error:  # the second: it is being closed
            _log.error("an event could not be published", error=repr(error))
            if not opened.reply.done():
                opened.reply.set_result(None)
