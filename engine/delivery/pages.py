"""The web pages of `floodgate deliver`: /metrics, /healthz, /readyz. Read-only; on loopback unless told otherwise."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from engine.delivery.metrics import DeliveryMetrics
from engine.delivery.receiver import Delivering


@asynccontextmanager
async def pages(host: str, port: int, metrics: DeliveryMetrics, receivers: Sequence[Delivering]) -> AsyncIterator[None]:
    """The pages are there within it. Raises OSError where the port is taken."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics.expose(), content_type="text/plain")

    async def show_health(_: web.Request) -> web.Response:
        return _json({"status": "ok"}, 200)

    async def show_readiness(_: web.Request) -> web.Response:
        waiting = [one.name for one in receivers if not one.is_reading]
        return _json({"status": "waiting" if waiting else "ready", "not_reading_for": waiting}, 503 if waiting else 200)

    app = web.Application()
    app.add_routes(
        [web.get("/metrics", show_metrics), web.get("/healthz", show_health), web.get("/readyz", show_readiness)]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _json(document: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json", status=status)
