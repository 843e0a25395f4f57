"""Looks every second whether a worker still gets on.

Faust reads aiokafka's fetcher directly and never sees a fatal group error (`_fetch_records` in
faust/transport/drivers/aiokafka.py), and a recovery step that takes too long ends its recovery service in silence
(faust/tables/recovery.py, `_wait`): such a worker is ended, and its supervisor starts a new one. And what a rebalance
has dropped at the end of a partition leaves no gap that anyone would notice before the next event: it is read again.

And two workers with the same name throw each other out of the group for ever: to aiokafka (`_do_heartbeat` in
consumer/group_coordinator.py) each time is like the end of a session.

Private seams used: aiokafka's `_coordinator.check_errors` and `member_id`.
"""

import time
from collections import deque
from typing import Any, Protocol

from faust.types import TP

from engine.errors import SettingsError, WorkerError

_INTERVAL_S = 1.0
_STALLED_AFTER_S = 180.0
_THROWN_OUT_WITHIN_S = 30.0
_THROWN_OUT_TIMES = 3


class Watched(Protocol):
    """A consumer, to who watches it."""

    app: Any
    log: Any
    flow_active: bool
    _thread: Any

    @property
    def should_stop(self) -> bool: ...
    async def sleep(self, n: Any) -> None: ...
    async def crash(self, reason: BaseException) -> None: ...
    async def release_behind_markers(self) -> None: ...
    async def unread(self) -> dict[TP, tuple[int, int]]: ...
    async def read_again(self, tp: TP, following: int, reached: int) -> None: ...


class Watchdog:
    """Watches one consumer."""

    def __init__(self, consumer: Watched) -> None:
        self._consumer = consumer
        self._progress, self._since = (-1, -1), time.monotonic()
        self._unread: dict[TP, tuple[int, int]] = {}
        self._member_id = ""
        self._joined_at = deque[float](maxlen=_THROWN_OUT_TIMES + 1)

    async def run(self) -> None:
        """Until the consumer stops, or something is wrong for good."""
        consumer = self._consumer
        while not consumer.should_stop:
            await consumer.sleep(_INTERVAL_S)
            if consumer.should_stop:
                return
            try:
                await self._check_coordinator()
                await consumer.release_behind_markers()
                await self._read_dropped_again()
                self._check_progress()
            except Exception as error:
                consumer.log.error("this worker can do nothing any more: %r", error)
                await consumer.crash(error)
                raise

    async def _read_dropped_again(self) -> None:
        """What was behind a second ago and has not moved since."""
        if not self._consumer.flow_active:
            self._unread = {}
            return
        before, self._unread = self._unread, await self._consumer.unread()
        for tp, (following, reached) in self._unread.items():
            if before.get(tp) == (following, reached):
                await self._consumer.read_again(tp, following, reached)

    def _check_progress(self) -> None:
        app = self._consumer.app
        now_at = (app.recovery.applied, app.consumer_generation_id)
        if not app.rebalancing or now_at != self._progress:
            self._progress, self._since = now_at, time.monotonic()
        elif time.monotonic() - self._since > _STALLED_AFTER_S:
            raise WorkerError(f"no progress in a rebalance for {_STALLED_AFTER_S:.0f} seconds")

    async def _check_coordinator(self) -> None:
        thread = self._consumer._thread
        coordinator = getattr(thread._consumer, "_coordinator", None)
        if coordinator is not None and hasattr(coordinator, "check_errors") and not self._consumer.should_stop:
            await thread.call_thread(coordinator.check_errors)
            self._check_name(coordinator.member_id)

    def _check_name(self, member_id: str) -> None:
        name, now_s = self._consumer.app.settings.instance_id, time.monotonic()
        if member_id and member_id != self._member_id:
            self._member_id = member_id
            self._joined_at.append(now_s)
        if name and len(self._joined_at) > _THROWN_OUT_TIMES and now_s - self._joined_at[0] < _THROWN_OUT_WITHIN_S:
            raise SettingsError(f"another worker has the same `instance_id`, {name}: give each a name of its own")
