"""The stage before `events` without Kafka: messages in, messages with what was found out."""

import asyncio
from collections.abc import Sequence

from engine.enrich.declared import declared
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.running import Running
from engine.enrich.stage import Stage
from engine.settings import Settings
from engine.stream.supervisor.cores import usable_cores


def enrich_offline(settings: Settings, messages: Sequence[bytes]) -> list[bytes]:
    """What goes on of each message. Raises SettingsError where an enricher that is declared cannot start."""
    return asyncio.run(_enrich(settings, messages))


async def _enrich(settings: Settings, messages: Sequence[bytes]) -> list[bytes]:
    own = settings.enrichment
    runnings = [Running(name, kind, own.enrichers[name], own.max_added_bytes) for name, kind in declared(own)]
    stage = Stage(runnings, settings.events.mapping(), EnrichMetrics())
    started: list[Running] = []
    try:
        for running in runnings:
            await running.start(usable_cores())
            started.append(running)
        made: list[bytes] = []
        for first in range(0, len(messages), own.batch_max_events):
            batch = messages[first : first + own.batch_max_events]
            made += await asyncio.gather(*map(stage.enrich, batch))
        return made
    finally:
        for running in started:
            await running.enricher.stop()
