"""Follows the topics: what has come since the last time goes into the store, each record once."""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from engine.console.following.rows import RowMaker
from engine.console.store import retention
from engine.console.store.database import Store
from engine.console.store.erasure import ErasedUsers
from engine.console.store.health import BEHIND, PASSED_OVER, note_health
from engine.console.store.recording import read_positions, record
from engine.errors import FloodgateError, StoreError, TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import consumer

MOST_AT_ONCE = 1_000
"""Records in a transaction: writers of the web wait for it."""

_POLL_MS = 250
_LAG_EVERY_S = 2.0
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_TASK = 0x464F4C4C
"""Names this task to a store that several consoles share."""

_ANOTHERS_S = 5.0
"""So soon one looks again whether the console that follows is still there."""

_log = structlog.stdlib.get_logger("floodgate.console")


class Follower:
    """Reads topics without a group: how far it has come stands in the store. One at a time follows into a store."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._next_lag_at, self._pause_s = 0.0, _LEAST_PAUSE_S

    def run(self, stopping: threading.Event) -> None:
        """Follow until told to stop. A broker that is away, or topics that are missing, are waited for."""
        while not stopping.is_set():
            try:
                with self._store.only_one(_TASK) as is_ours:
                    if is_ours:
                        self._follow(stopping)
                    else:
                        stopping.wait(_ANOTHERS_S)
            except (FloodgateError, KafkaError, SQLAlchemyError) as error:
                _log.warning("the topics cannot be followed for now", error=str(error), again_in_s=self._pause_s)
                stopping.wait(self._pause_s)
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _follow(self, stopping: threading.Event) -> None:
        with consumer(self._settings) as client:
            following = Following(self._settings, self._store, client)
            self._pause_s = _LEAST_PAUSE_S
            while not stopping.is_set():
                following.step(_POLL_MS)
                self._tend(following)

    def _tend(self, following: "Following") -> None:
        now = self._clock()
        if now < self._next_lag_at:
            return
        self._next_lag_at = now + _LAG_EVERY_S
        behind = following.behind()  # asks the broker, which may take long: not while the store waits
        with self._store.write() as connection:
            following.erased.read(connection)
            note_health(connection, BEHIND, behind, int(now * 1000))
            note_health(connection, PASSED_OVER, following.passed_over, int(now * 1000))
            retention.drop_some(connection, self._settings, int(now * 1000))


class Following:
    """A consumer at its places. Raises TopicError where a topic is missing, and StoreError where it has to begin anew
    at the places that the store knows."""

    def __init__(self, settings: Settings, store: Store, client: KafkaConsumer) -> None:
        self._store, self._client = store, client
        self.erased = ErasedUsers()
        with store.read() as connection:
            self.erased.read(connection)
        self._maker = RowMaker(settings, self.erased.has)
        self._partitions = self._assign()

    @property
    def passed_over(self) -> int:
        """How many records were not the engine's own, or could not be read."""
        return self._maker.passed_over

    def step(self, wait_ms: int) -> int:
        """Take what is there, at most `MOST_AT_ONCE` records; returns how many."""
        polled: dict[TopicPartition, list[Any]] = self._client.poll(timeout_ms=wait_ms, max_records=MOST_AT_ONCE)
        if not polled:
            return 0
        records = [record for some in polled.values() for record in some]
        rows = self._maker.rows(records)
        positions = {(tp.topic, tp.partition): some[-1].offset + 1 for tp, some in polled.items()}
        with self._store.write() as connection:
            if self.erased.read(connection):
                raise StoreError("somebody has been forgotten meanwhile: what was read last is read once more")
            record(connection, rows, positions)
        return len(records)

    def behind(self) -> int:
        """How many records are still to be read."""
        ends = self._client.end_offsets(self._partitions)
        return sum(max(0, end - self._client.position(partition)) for partition, end in ends.items())

    def _assign(self) -> list[TopicPartition]:
        partitions = []
        for topic in self._maker.topics:
            numbers = self._client.partitions_for_topic(topic)
            if not numbers:
                raise TopicError(f"topic {topic} does not exist. Run `floodgate topics create`")
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        self._client.assign(partitions)
        with self._store.read() as connection:
            known = read_positions(connection)
        first, last = self._client.beginning_offsets(partitions), self._client.end_offsets(partitions)
        if any(known.get((tp.topic, tp.partition), 0) > last[tp] for tp in partitions):
            _log.warning("a topic is shorter than it was, so it is another one: all topics are read anew")
            self._store.forget_followed()
            known = {}
        for tp in partitions:
            self._client.seek(tp, max(known.get((tp.topic, tp.partition), 0), first[tp]))
        return partitions
