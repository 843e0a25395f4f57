"""Delivering to one receiver: the topic is read, and each target's actions are sent one after the other."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.delivery.metrics import DeliveryMetrics
from engine.delivery.reading import ActionReader
from engine.delivery.store import DeliveryStore, SetAside
from engine.delivery.waiting import Line, Target, Waiting
from engine.delivery.webhook import Answer, Webhook
from engine.errors import TopicError
from engine.settings import RETENTION_DAYS, Settings
from engine.stream.kafka.assigned import Extent, read_extents
from engine.stream.kafka.clients import async_options
from engine.stream.kafka.interruptions import pause, until_stopped

_MOST_BYTES = 16 << 20
_POLL_S = 0.25
_TEND_S = 1.0
_DAY_MS = 86_400_000
_MOST_PUT_OFF = 1_000_000
"""So many actions are in the store; then all that comes waits on the topic."""

_log = structlog.stdlib.get_logger("floodgate.delivery")


def group_of(settings: Settings, receiver: str) -> str:
    """The consumer group under which a receiver's offsets are committed."""
    return f"{settings.app_id}-deliver-{receiver}"


class Delivering:
    """One receiver, until `stopping` is set."""

    def __init__(
        self, settings: Settings, name: str, webhook: Webhook, store: DeliveryStore, metrics: DeliveryMetrics,
        stopping: asyncio.Event,
    ) -> None:  # fmt: skip
        self.name, self._settings, self._own = name, settings, settings.delivery.receivers[name]
        self._webhook, self._store, self._metrics, self._stopping = webhook, store, metrics, stopping
        self._reader = ActionReader(settings, self._own)
        self._slots = asyncio.Semaphore(self._own.most_at_once)
        self._freed = asyncio.Event()
        self._taken = 0
        self._put_off = Counter(store.count_put_off(name))  # by target
        self._sending = set[Target]()
        self._failing_since: float | None = None
        self.is_reading = False
        metrics.expect(name)

    async def run(self) -> None:
        """Deliver. A broker that is away, a topic that is missing, a full disk are waited for: nothing is lost by it,
        as offsets are committed only up to what is done."""

        def failed(error: Exception, again_in_s: float) -> None:
            _log.error("nothing is delivered for now", receiver=self.name, error=_told(error), again_in_s=again_in_s)

        await until_stopped(self._send_as_followed, failed, self._stopping)

    async def _send_as_followed(self) -> None:
        async with asyncio.TaskGroup() as senders:
            await self._follow(senders)

    async def _follow(self, senders: asyncio.TaskGroup) -> None:
        extents = await asyncio.to_thread(read_extents, self._settings, [self._settings.topics.actions])
        consumer = AIOKafkaConsumer(
            **async_options(self._settings), group_id=group_of(self._settings, self.name), enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_bytes=_MOST_BYTES,
        )  # fmt: skip
        await consumer.start()
        try:
            line = Line(self._own.most_waiting, _MOST_BYTES)
            await self._assign(consumer, line, extents)
            tps = list(extents)
            self._sending = set[Target]()
            for target in list(self._put_off):
                self._begin(line, senders, target)
            self.is_reading = True
            tended = time.monotonic()
            while not self._stopping.is_set():
                await self._read(consumer, line, senders)
                if time.monotonic() - tended >= _TEND_S:
                    await self._tend(consumer, line, tps)
                    tended = time.monotonic()
            await self._finish()
            await self._tend(consumer, line, tps)
        finally:
            self.is_reading = False
            await consumer.stop()

    async def _assign(self, consumer: Any, line: Line, extents: dict[TopicPartition, Extent]) -> None:
        consumer.assign(list(extents))
        for tp, (start, end) in extents.items():
            committed = await consumer.committed(tp)
            at = committed if committed is not None else end if self._own.begin == "end" else start
            if at < start:
                _log.error("actions were gone before they were read", receiver=self.name, count=start - at)
                self._metrics.missed.labels(self.name).inc(start - at)
            if not start <= at <= end:  # above: it is another topic of this name
                at = start
            line.start(tp.partition, at)
            consumer.seek(tp, at)
        await consumer.commit({tp: line.positions()[tp.partition] for tp in extents})

    async def _read(self, consumer: Any, line: Line, senders: asyncio.TaskGroup) -> None:
        if line.room <= 0:
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), _POLL_S)
            return
        polled = await consumer.getmany(timeout_ms=int(_POLL_S * 1_000), max_records=line.room)
        for records in polled.values():
            for record in records:
                read = self._reader.read(record)
                if isinstance(read, str):
                    line.pass_over(record.partition, record.offset)
                    self._metrics.actions.labels(self.name, read).inc()
                elif self._is_put_off(line, read):
                    if self._store.put_off(self.name, read):
                        self._put_off[read.target] += 1
                    line.pass_over(record.partition, record.offset)
                    self._begin(line, senders, read.target)
                else:
                    line.add(read)
                    self._begin(line, senders, read.target)

    def _is_put_off(self, line: Line, one: Waiting) -> bool:
        """Whether an action is kept in the store: behind others of its target that are, or where that has no share left
        of what waits in memory. What a process before this one had in memory comes before what it put off."""
        if one.target in self._put_off:
            first = self._store.first_offset_put_off(self.name, one.target, one.partition)
            return first is None or one.offset >= first
        return not line.has_share(one.target) and self._put_off.total() < _MOST_PUT_OFF

    def _begin(self, line: Line, senders: asyncio.TaskGroup, target: Target) -> None:
        """Somebody sends for a target as long as anything waits for it."""
        if target not in self._sending:
            self._sending.add(target)
            senders.create_task(self._send_all(line, target))

    async def _send_all(self, line: Line, target: Target) -> None:
        """All that waits for a target, in order: what was put off came after what is in memory."""
        try:
            while (one := line.first(target) or self._next_put_off(line, target)) is not None:
                outcome = "known" if self._store.knows(self.name, one.action_id) else await self._send(one)
                if outcome is None:
                    return  # stopping: it is sent by the next process
                if one is line.first(target):
                    line.done(one)
                    self._freed.set()
                else:
                    self._store.end_put_off(self.name, one)
                    self._put_off[target] -= 1
                self._metrics.actions.labels(self.name, outcome).inc()
        finally:
            self._sending.discard(target)

    def _next_put_off(self, line: Line, target: Target) -> Waiting | None:
        """The first of those that were put off, once all before it in its partition has been read again."""
        if target not in self._put_off:
            return None
        one = self._store.first_put_off(self.name, target)
        if one is None:
            del self._put_off[target]
        return one if one is not None and line.has_passed(one.partition, one.offset) else None

    async def _send(self, one: Waiting) -> str | None:
        """Until the receiver has taken it; what has become of it, None where it is time to stop."""
        tries, taken_before = 0, self._taken
        while not self._stopping.is_set():
            async with self._slots:
                if self._stopping.is_set():
                    return None
                began = time.monotonic()
                answer = await self._webhook.post(one.action_id, one.action, one.published_ms)
                self._metrics.seconds.labels(self.name).observe(time.monotonic() - began)
            if answer.is_taken:
                self._note_taken(one)
                return "delivered"
            tries += 1
            self._note_failed(one, answer, tries)
            if tries >= self._own.most_tries and self._taken > taken_before:
                self._set_aside(one, answer)
                return "set_aside"
            await pause(self._stopping, max(self._pause_s(tries), answer.wait_s))
        return None

    def _pause_s(self, tries: int) -> float:
        longest = self._own.first_retry_ms / 1_000 * 2.0 ** min(tries - 1, 30)
        return min(self._own.longest_retry_s, longest) * random.uniform(0.5, 1)

    def _note_taken(self, one: Waiting) -> None:
        now_s = time.time()
        self._store.note_delivered(self.name, one.action_id, int(now_s * 1_000))
        self._taken += 1
        if self._failing_since is not None:
            self._failing_since = None
            self._metrics.failing_since.labels(self.name).set(0)
        self._metrics.delay.labels(self.name).observe(max(0.0, now_s - one.published_ms / 1_000))

    def _note_failed(self, one: Waiting, answer: Answer, tries: int) -> None:
        self._metrics.failures.labels(self.name, answer.status).inc()
        if self._failing_since is None:
            self._failing_since = time.time()
            self._metrics.failing_since.labels(self.name).set(self._failing_since)
        _log.warning(
            "an action was not taken", receiver=self.name, action_id=one.action_id, status=answer.status,
            why=answer.why, tries=tries,
        )  # fmt: skip

    def _set_aside(self, one: Waiting, answer: Answer) -> None:
        why = f"{answer.status} {answer.why}".strip()
        now_ms = int(time.time() * 1_000)
        self._store.set_aside(SetAside(self.name, one.action_id, now_ms, one.published_ms, why, one.action))
        _log.error("an action is set aside: others are taken", receiver=self.name, action_id=one.action_id, why=why)

    async def _finish(self) -> None:
        """Wait for the requests that are under way, which `timeout_s` bounds. Who gives its slot back enters what came
        of it before anybody else's turn."""
        for _ in range(self._own.most_at_once):
            await self._slots.acquire()
        for _ in range(self._own.most_at_once):
            self._slots.release()

    async def _tend(self, consumer: Any, line: Line, tps: list[TopicPartition]) -> None:
        positions = {TopicPartition(tps[0].topic, number): at for number, at in line.positions().items()}
        await consumer.commit(positions)
        ends = {tp: consumer.highwater(tp) or at for tp, at in positions.items()}
        on_topic = sum(max(0, ends[tp] - at) for tp, at in positions.items())
        self._metrics.lag.labels(self.name).set(on_topic + self._put_off.total())
        self._metrics.aside.labels(self.name).set(self._store.count_set_aside(self.name))
        self._store.prune(int(time.time() * 1_000) - kept_ms(self._settings))
        if len(consumer.partitions_for_topic(tps[0].topic) or ()) > len(tps):
            raise TopicError(f"topic {tps[0].topic} has more partitions than it had: it is read anew")


def kept_ms(settings: Settings) -> int:
    """So long ids are remembered: as long as `actions` keeps messages, and `events`, of which they may come again."""
    days = (settings.retention_days.get(topic, RETENTION_DAYS[topic]) for topic in ("actions", "events"))
    return (max(days) + 1) * _DAY_MS


def _told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(_told, error.exceptions))
    return str(error) if isinstance(error, TopicError) else repr(error)
