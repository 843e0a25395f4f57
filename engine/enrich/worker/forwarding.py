"""How what was enriched becomes durable: in order for each partition, once.

    1. wait for the batch: no longer than its slowest enricher's limit
    2. publish its dead letters and await the broker
    3. append its events to the same partition of `events`, each with the offset that it comes from; await the broker
    4. let the source offset be committed

Batches of one partition go on in the order in which they were read, however soon they are ready; those of different
partitions do not wait for each other. A message batch is sent when the broker has the one before it: the last header
in a partition means everything before it. Any failure stops the worker; the next one goes on behind that header.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from faust.types import TP

from engine.enrich.handler import Forward, Forwarding
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.worker.sources import Sources
from engine.enrich.worker.writers import QuietWriter
from engine.errors import WorkerError
from engine.stream.handlers.batches import Outcome
from engine.stream.worker.fencing import Writer, Writers
from engine.stream.worker.host import Host
from engine.stream.worker.persistence import Durability


class _Waiting(NamedTuple):
    outcome: Forwarding
    finished: Callable[[], None]
    release: Callable[[], None]


class ForwardDurability(Durability):
    """Makes batches of `raw_events` durable on `events`."""

    def __init__(self, app: Host, sources: Sources, metrics: EnrichMetrics) -> None:
        super().__init__(app)
        self.writers = Writers(app.settings, QuietWriter)
        self._sources, self._metrics, self._topics = sources, metrics, app.settings.topics
        self._queues: defaultdict[int, deque[_Waiting]] = defaultdict(deque)
        self._reached: dict[int, int] = {}

    def begin(self, tp: TP, outcome: Outcome, finished: Callable[[], None], release: Callable[[], None]) -> None:
        """Put a batch behind those of its partition. `finished` when it is durable; `release` then, or when it or one
        before it failed."""
        assert isinstance(outcome, Forwarding)
        if self._has_failed:
            release()
            return
        queue = self._queues[tp.partition]
        queue.append(_Waiting(outcome, finished, release))
        if len(queue) == 1:
            self._start(self._forward(tp.partition, queue))

    async def own(self, partitions: Iterable[TP]) -> None:
        """Shut everyone else out of these partitions of `events`, before it is read how far they have got."""
        topics = self._topics
        mine = [tp.partition for tp in partitions if tp.topic == topics.raw_events]
        self._reached.clear()
        await self.writers.own([TP(topics.events, partition) for partition in mine])

    async def _forward(self, partition: int, queue: deque[_Waiting]) -> None:
        while queue:
            waiting = queue[0]
            try:
                assert waiting.outcome.work is not None
                forwards = await waiting.outcome.work
                await self.publish(waiting.outcome.messages)
                await self._append(TP(self._topics.events, partition), forwards)
                waiting.finished()
            except BaseException as error:  # nothing may wait for ever, whatever it was
                self._give_up()
                await self._fail(error, [])
                raise
            waiting.release()
            queue.popleft()
            self._app.metrics.batches.inc()

    def _give_up(self) -> None:
        for queue in self._queues.values():
            for waiting in queue:
                if waiting.outcome.work is not None:
                    waiting.outcome.work.cancel()
                waiting.release()
            queue.clear()

    async def _append(self, tp: TP, forwards: list[Forward]) -> None:  # type: ignore[override]
        if not forwards:
            return
        writer = await self._writer(tp)
        batch = writer.batch()
        for forward in forwards:
            header = self._sources.header(tp.partition, forward.source)
            record = {
                "key": forward.key, "value": forward.value, "timestamp": forward.arrived_ms,
                "headers": [*forward.headers, header],
            }  # fmt: skip
            if batch.append(**record) is None:
                await writer.send(batch)
                batch = writer.batch()
                if batch.append(**record) is None:
                    raise WorkerError(f"a message of {len(forward.value)} bytes does not fit into a batch")
        await writer.send(batch)
        self._reached[tp.partition] = forwards[-1].source
        self._metrics.forwarded.inc(len(forwards))

    async def _writer(self, tp: TP) -> Writer:
        """The writer of a partition. One that has taken a newer epoch may have shut out its next owner: then that one
        has written, which is seen."""
        renewed = self.writers.renewals
        writer = await self.writers.get(tp)
        known = self._reached.get(tp.partition)
        if self.writers.renewals != renewed and known is not None:
            reached = await self._sources.reached(tp.partition)
            if reached != known:
                raise WorkerError(f"{tp} has been written by another: it is at {reached}, expected {known}")
        return writer
