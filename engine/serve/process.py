"""`floodgate serve` as a process: questions are answered until it is told to stop, and those under way then, too."""

import asyncio
import signal
import ssl

import structlog

from engine.errors import SettingsError
from engine.serve.asking import Asking
from engine.serve.following import Following
from engine.serve.metrics import ServeMetrics
from engine.serve.web import Questions
from engine.serve_settings import ServeSettings
from engine.settings import Settings
from engine.stream.admin.process_pages import process_pages
from engine.stream.web.connections import Crowd
from engine.stream.web.listening import listening

_log = structlog.stdlib.get_logger("floodgate.serve")

_STOP_WITHIN_S = 15.0


def serve(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT. Raises SettingsError, and OSError where a port is taken."""
    if not settings.serve.surfaces:
        raise SettingsError("`serve.surfaces` names nothing that may be asked about")
    asyncio.run(_serve(settings))


def slow_enrichers(settings: Settings) -> list[tuple[str, str]]:
    """Surfaces, each with an enricher that its events may wait for longer than whoever asks."""
    return [
        (surface, name)
        for surface, own in settings.serve.surfaces.items()
        for name, enricher in settings.enrichment.enrichers.items()
        if enricher.limit_ms >= own.timeout_ms and (not enricher.events or set(enricher.events) & set(own.types))
    ]


async def _serve(settings: Settings) -> None:
    told, stopping, own = asyncio.Event(), asyncio.Event(), settings.serve
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    for surface, name in slow_enrichers(settings):
        _log.warning("who asks waits no longer than an enricher may take", surface=surface, enricher=name)
    metrics = ServeMetrics(own.surfaces)
    asking = Asking(settings, metrics)
    following = Following(settings, asking, metrics, stopping)
    crowd = Crowd(own.most_connections, own.headers_timeout_s, lambda reason: metrics.closed.labels(reason).inc())
    metrics.connections.set_function(lambda: len(crowd))
    app = Questions(settings, asking, following, metrics).application()

    def waiting_for() -> list[str]:
        return ["stopping"] if told.is_set() else [] if following.is_reading else ["replies"]

    async with process_pages(own.pages_host, own.pages_port, metrics.expose, waiting_for):
        reading = asyncio.ensure_future(following.run())
        try:
            async with listening(app, own.host, own.port, crowd, tls=_tls(own), stop_within_s=_STOP_WITHIN_S):
                await told.wait()
        finally:
            stopping.set()
            await reading


def _tls(own: ServeSettings) -> ssl.SSLContext | None:
    if not own.certificate_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(own.certificate_file, own.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"`serve.certificate_file` or `serve.key_file` cannot be used: {error}") from error
    return context
