"""How far the group of workers is, as the brokers know it: in all of its partitions, whoever has them."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.types import TP

from engine.errors import WorkerError
from engine.settings import Settings
from engine.stream.kafka.clients import FETCH_MAX_WAIT_MS, async_options
from engine.stream.worker.health import Ask
from engine.stream.worker.horizon import Horizon

_ANSWER_S = 4.0
"""Whether the worker itself is in touch is looked at in turn with this (`OUT_OF_TOUCH_S`)."""
_NO_ANSWER = (TimeoutError, KafkaError, RuntimeError, WorkerError)
"""Clients that are being closed raise what is none of Kafka's errors."""

_LOOKED_INTO = 8
"""So many partitions at a time are read to see whether there is anything to decide."""


class Group:
    """Looks how far the group is. `committed` and `ends` ask brokers."""

    def __init__(self, settings: Settings, committed: Ask, ends: Ask) -> None:
        topics = settings.topics
        self._committed, self._ends = committed, ends
        self._partitions = [
            TP(topic, number)
            for topic in (topics.events, topics.labels, topics.hops)
            for number in range(settings.partitions)
        ]
        self._horizon, self._rests = Horizon(topics.hops), Rests(settings)

    async def decided_until_ms(self) -> int | None:
        """What arrived before is decided in all partitions, as far as is known; None where that is nothing."""
        with suppress(*_NO_ANSWER):  # what was known stays true
            async with asyncio.timeout(_ANSWER_S):
                done = dict(await self._committed(self._partitions))
                asked_ms = int(time.time() * 1_000)  # between both: what was sent on by then is below the ends
                ends = await self._ends(self._partitions)
                with suppress(*_NO_ANSWER):
                    async with asyncio.timeout(_ANSWER_S / 2):
                        done |= await self._rests.look(done, ends)
                self._horizon.note(done, asked_ms, ends)
        self._horizon.wait(int(time.time() * 1_000))
        return self._horizon.until_ms


class _Looked(NamedTuple):
    """What was found behind the offset that is committed: nothing to decide before `reached`; and is there a record?"""

    committed: int
    reached: int
    is_record: bool


class Rests:
    """Partitions whose ends hold nothing to decide: markers of transactions, or what was deleted before there was a
    group. Their last offsets are never committed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._before: Mapping[TP, int] = {}
        self._looked: dict[TP, _Looked] = {}

    async def look(self, done: Mapping[TP, int], ends: Mapping[TP, int]) -> dict[TP, int]:
        """How far those partitions are really that have not got on since the last time."""
        stuck = [tp for tp, end in ends.items() if self._before.get(tp, -1) == done.get(tp, 0) < end]
        self._before = {tp: done.get(tp, 0) for tp in ends}
        self._looked = {tp: self._known(tp, done.get(tp, 0)) for tp in stuck}
        unknown = [tp for tp in stuck if not self._looked[tp].is_record and self._looked[tp].reached < ends[tp]]
        if unknown:
            await self._read({tp: ends[tp] for tp in unknown[:_LOOKED_INTO]})
        return {tp: looked.reached for tp, looked in self._looked.items()}

    def _known(self, tp: TP, committed: int) -> _Looked:
        looked = self._looked.get(tp)
        return looked if looked is not None and looked.committed == committed else _Looked(committed, committed, False)

    async def _read(self, ends: Mapping[TP, int]) -> None:
        consumer: Any = AIOKafkaConsumer(
            **async_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
        )  # fmt: skip
        await consumer.start()
        try:
            for tp, end in ends.items():
                self._looked[tp] = await _look_into(consumer, tp, self._looked[tp], end)
        finally:
            await consumer.stop()


async def _look_into(consumer: Any, tp: TP, looked: _Looked, end: int) -> _Looked:
    consumer.assign([tp])
    consumer.seek(tp, looked.reached)  # or to the first that there is, where this one is deleted
    while True:
        found: Iterable[Any] = (await consumer.getmany(tp, timeout_ms=FETCH_MAX_WAIT_MS, max_records=1)).values()
        for records in found:
            for record in records:
                return looked._replace(reached=record.offset, is_record=True)
        reached = await consumer.position(tp)
        if reached >= end:
            return looked._replace(reached=reached)
