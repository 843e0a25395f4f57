"""Whether a worker gets on, as the brokers' own answers show it: for `/readyz`, the metrics and the alerts.

A worker whose brokers are away raises nothing: its clients try again for ever. So the brokers are asked every two
seconds how far each partition goes. What they say is held against how far the worker is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from engine.errors import WorkerError
from engine.stream.handlers.metrics import Metrics

_log = structlog.stdlib.get_logger("floodgate")

LOOK_EVERY_S = 2.0
OUT_OF_TOUCH_S = 10.0
"""After so long without an answer a worker is not ready."""

_ANSWER_S = 5.0
_NO_ANSWER = (TimeoutError, KafkaError, RuntimeError, WorkerError)
"""Clients that are being closed raise what is none of Kafka's errors."""

_MAX_NOTES = 1_000

Ask = Callable[[Iterable[TP]], Awaitable[Mapping[TP, int]]]
"""Offsets of partitions, from the brokers: behind their last records, or the next that a worker decides."""


class Backlog:
    """How long the oldest undecided message of a partition has waited, by the worker's own clock: a message's time
    is its sender's."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, end: int, position: int) -> float:
        """Seconds behind. `end`: the offset behind the last message; `position`: the next to be decided."""
        notes = self._notes
        while notes and notes[0][1] <= position:
            notes.popleft()
        if end > position and (not notes or notes[-1][1] < end):
            notes.append((now_s, end))
        if len(notes) > _MAX_NOTES:  # every second one goes: what is behind for long is known less finely
            self._notes = deque(list(notes)[::2])
        return now_s - notes[0][0] if notes else 0.0


class Health:
    """Looks at the brokers and the worker, and keeps what it saw. `ends` asks a broker; `positions` tells how far the
    worker is, and may ask one."""

    def __init__(self, metrics: Metrics, ends: Ask, positions: Ask) -> None:
        self._metrics, self._ends, self._positions = metrics, ends, positions
        self._answered_s = time.monotonic()
        self._backlogs: dict[TP, Backlog] = {}
        self._before: Mapping[TP, int] = {}
        for gauge in (metrics.last_contact, metrics.last_progress):
            gauge.set(time.time())

    @property
    def is_in_touch(self) -> bool:
        """Whether the brokers have answered lately."""
        return time.monotonic() - self._answered_s < OUT_OF_TOUCH_S

    async def look(self, handled: Iterable[TP], others: Iterable[TP]) -> None:
        """Ask how far the worker's partitions go; and others, so that one without any asks as well."""
        mine = sorted(handled)
        try:
            async with asyncio.timeout(_ANSWER_S):
                ends = await self._ends([*mine, *others])
        except _NO_ANSWER as error:
            if not self.is_in_touch:
                away_s = round(time.monotonic() - self._answered_s)
                _log.error("the brokers do not answer: nothing is decided", seconds=away_s, error=repr(error))
            return
        self._answered_s = time.monotonic()
        self._metrics.last_contact.set(time.time())
        with suppress(*_NO_ANSWER):  # in a rebalance its client answers to no one else
            async with asyncio.timeout(_ANSWER_S):
                positions = await self._positions(mine)
            self._note({tp: (ends[tp], positions[tp]) for tp in mine if tp in positions})

    def _note(self, seen: Mapping[TP, tuple[int, int]]) -> None:
        metrics = self._metrics
        for tp in self._backlogs.keys() - seen.keys():  # another worker's now
            del self._backlogs[tp]
            for gauge in (metrics.lag, metrics.seconds_behind):
                gauge.remove(tp.topic, str(tp.partition))
        for tp, (end, position) in seen.items():
            behind_s = self._backlogs.setdefault(tp, Backlog()).note(self._answered_s, end, position)
            metrics.lag.labels(tp.topic, tp.partition).set(max(0, end - position))
            metrics.seconds_behind.labels(tp.topic, tp.partition).set(behind_s)
        positions = {tp: position for tp, (_, position) in seen.items()}
        if positions != self._before or all(end <= position for end, position in seen.values()):
            metrics.last_progress.set(time.time())
        self._before = positions
