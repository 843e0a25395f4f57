"""How far each partition is: our own offsets in the place of Faust's, which it keeps for single messages.

Private seam used (aiokafka 0.14): `_coordinator.fetch_committed_offsets` of a consumer;
`tests/unit/stream/worker/test_seams.py` fails when it moves.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from engine.stream.worker.gaps import Gaps


class OffsetConsumer(driver.Consumer):
    """Faust's consumer, which commits what is durable."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._next: dict[TP, int] = {}
        self._durable: dict[TP, int] = {}
        self._gaps = Gaps()

    async def positions_of(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """What is decided next of each: what follows the last that was taken on, and the markers behind it; before
        there is any, what the group has committed."""
        positions = {}
        for tp in partitions:
            following = self._next.get(tp)
            known = self._gaps.behind_markers(tp, following) if following is not None else None
            positions[tp] = known if known is not None else await self._committed(tp)
        return positions

    async def committed_of(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """How far the group is in any partitions of its topics, whoever has them; without those that it has never been
        in. It is asked at once; aiokafka's own method asks for one at a time."""
        thread: Any = self._thread
        coordinator = thread._ensure_consumer()._coordinator
        committed = await thread.call_thread(coordinator.fetch_committed_offsets, list(partitions))
        return {ensure_TP(tp): known.offset for tp, known in committed.items()}

    async def _committed(self, tp: TP) -> int:
        thread: Any = self._thread
        return await thread.call_thread(thread._ensure_consumer().committed, tp) or 0

    async def _position(self, tp: TP) -> int:
        """How far the client has read; 0 for a partition that has just been revoked."""
        with suppress(IllegalStateError):
            return await self.position(tp) or 0
        return 0

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from [tp for tp in self._durable if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        return self._durable[tp] if tp in self._durable else super()._new_offset(tp)
