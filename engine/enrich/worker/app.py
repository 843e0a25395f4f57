"""The composition root of the stage: settings in, a Faust application out."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, cast

import faust
import msgspec
import structlog
from faust.transport.consumer import ensure_TP
from faust.types import TP

from engine.build import find_build
from engine.enrich.declared import declared
from engine.enrich.handler import EnrichHandler
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.running import Running
from engine.enrich.stage import Stage
from engine.enrich.worker.forwarding import ForwardDurability
from engine.enrich.worker.sources import Sources
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.handlers.batches import BatchHandler
from engine.stream.kafka.access import enrich_group
from engine.stream.kafka.sealing import Seals
from engine.stream.kafka.topics import largest_messages
from engine.stream.supervisor.cores import usable_cores
from engine.stream.worker.consumer import BatchConsumer, BatchTransport
from engine.stream.worker.faust_options import faust_options
from engine.stream.worker.health import LOOK_EVERY_S, Health
from engine.stream.worker.room import Room
from engine.stream.worker.shutdown import end_soon
from engine.stream.worker.web import BoundedWeb, add_pages

_log = structlog.stdlib.get_logger("floodgate")

_BYTES_UNDER_WAY = 128 << 20
_LEAST_BYTES = 1_024
"""So much room each record takes at least: what it becomes in memory."""


class _NoState:
    """A worker without state has nothing to read back."""

    applied = 0

    def doubt(self, partitions: Iterable[TP]) -> None: ...
    def begin_again(self) -> None: ...
    def raise_if_incomplete(self) -> None: ...
    async def take(self, tp: TP, records: list[Any]) -> None: ...


class _NoRulebook:
    rulebook_id = None


class EnrichConsumer(BatchConsumer):
    """A consumer with room for so many bytes, not records: pictures are large."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._room = Room(_BYTES_UNDER_WAY, _size_of)


def _size_of(records: Sequence[Any]) -> int:
    return sum(len(record.value or b"") + _LEAST_BYTES for record in records)


class EnrichTransport(BatchTransport):
    """Faust's Kafka transport with that consumer."""

    Consumer = EnrichConsumer


class EnrichApp(faust.App):
    """A Faust application that reads `raw_events` and writes `events`. `source`: what `sources.source_name` says."""

    def __init__(self, settings: Settings, source: str) -> None:
        own = settings.enrichment
        if not own.is_used:
            raise SettingsError("no enricher is declared: `enrichment.enrichers` in the settings has them")
        self.settings = msgspec.structs.replace(
            settings, app_id=enrich_group(settings), batch_max_events=own.batch_max_events,
            max_batches_in_flight=own.max_batches_in_flight,
        )  # fmt: skip
        self.metrics = EnrichMetrics()
        self.ready_to_decide = asyncio.Event()
        self.seals = Seals(settings, lambda _: None)
        self._sources = Sources(settings, source)
        self.durability = ForwardDurability(cast(Any, self), self._sources, self.metrics)
        self.recovery, self.control, self.reference = _NoState(), _NoRulebook(), self
        self._runnings = [
            Running(name, enricher, own.enrichers[name], own.max_added_bytes) for name, enricher in declared(own)
        ]
        stage = Stage(self._runnings, settings.events.mapping(), self.metrics)
        most = largest_messages(settings)[settings.topics.events]
        handler = EnrichHandler(settings, stage, self._sources.reached, self.metrics, most)
        self.handlers: dict[str, BatchHandler] = {settings.topics.raw_events: handler}
        super().__init__(self.settings.app_id, **faust_options(self.settings))
        self.health = Health(
            self.metrics, self._sources.ends_of, lambda tps: cast(BatchConsumer, self.consumer).positions_of(tps)
        )
        self.task()(self._look_after_health)
        add_pages(cast(Any, self))

    def _new_web(self) -> Any:
        return BoundedWeb(self)

    def _new_transport(self) -> Any:
        return EnrichTransport(self.conf.broker_consumer, self, loop=self.loop)

    async def on_start(self) -> None:
        """Start the enrichers, then subscribe through Faust's conductor."""
        names = [running.name for running in self._runnings]
        _log.info("starting", enrichers=names, **find_build()._asdict())
        await self._sources.start()
        for running in self._runnings:
            await running.start(usable_cores())
        for name in self.handlers:
            channel = self.topic(name, key_serializer="raw", value_serializer="raw")
            self.topics.add(cast(Any, channel.clone(is_iterator=True)))
        self.ready_to_decide.set()
        await super().on_start()

    def _crash(self, reason: BaseException) -> None:
        if not self._crashed.is_set():
            end_soon()
        super()._crash(reason)

    async def on_stop(self) -> None:
        """What was under way is finished first."""
        end_soon(self.settings.stop_timeout_s)
        try:
            await super().on_stop()
        finally:
            await self.durability.writers.close()
            await self._sources.stop()
            for running in self._runnings:
                await running.enricher.stop()

    def waiting_for(self) -> list[str]:
        """What keeps this worker from its work; empty when it is ready."""
        waiting = []
        if not cast(Any, self.tables).recovery.completed.is_set() or self.rebalancing:
            waiting.append("partitions")
        if not self.health.is_in_touch:
            waiting.append("brokers")
        return waiting

    def missing(self) -> list[str]:
        """Enrichers that are left alone for now."""
        return [running.name for running in self._runnings if running.rest.is_on or running.enricher.is_resting]

    async def _look_after_health(self) -> None:
        while not self.should_stop:
            assigned = map(ensure_TP, self.consumer.assignment())
            mine = [tp for tp in assigned if tp.topic in self.handlers]
            await self.health.look(mine, [TP(self.settings.topics.raw_events, 0)])
            self.metrics.ready.set(not self.waiting_for())
            await self.sleep(LOOK_EVERY_S)
