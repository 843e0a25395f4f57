"""`floodgate intake` as a process: all sources side by side, until it is told to stop."""

import asyncio
import signal

from engine.errors import SettingsError
from engine.intake.metrics import IntakeMetrics
from engine.intake.registry import Registry
from engine.intake.source import Source
from engine.settings import Settings
from engine.stream.admin.process_pages import process_pages


def take_in(settings: Settings) -> None:
    """Take in until SIGTERM or SIGINT. Raises SettingsError, and OSError where the port is taken."""
    if not settings.intake.sources:
        raise SettingsError("`intake.sources` names no topics")
    if settings.events.fields or settings.events.computed:
        raise SettingsError(
            "`intake.sources` have `fields` of their own, and the workers would map what comes of them once more: "
            "`events.fields` and `events.computed` stay empty"
        )
    asyncio.run(_take_in(settings))


async def _take_in(settings: Settings) -> None:
    stopping, own = asyncio.Event(), settings.intake
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    metrics = IntakeMetrics(own.sources)
    async with Registry(own, stopping, metrics.registry_away.set) as registry:
        sources = [Source(settings, name, registry, metrics, stopping) for name in own.sources]
        async with process_pages(
            own.host, own.port, metrics.expose, lambda: [one.name for one in sources if not one.is_reading]
        ):
            await asyncio.gather(*(one.run() for one in sources))
