"""Web pages of processes that are no workers: /metrics, /healthz, /readyz. Read-only; on loopback by default."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from engine.stream.web.listening import listening


@asynccontextmanager
async def process_pages(
    host: str, port: int, metrics: Callable[[], bytes], waiting: Callable[[], Sequence[str]]
) -> AsyncIterator[None]:
    """The pages are there within it. `waiting`: for what it is not ready. Raises OSError where the port is taken."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), content_type="text/plain")

    async def show_health(_: web.Request) -> web.Response:
        return _json({"status": "ok"}, 200)

    async def show_readiness(_: web.Request) -> web.Response:
        missing = list(waiting())
        return _json({"status": "waiting" if missing else "ready", "waiting_for": missing}, 503 if missing else 200)

    app = web.Application()
    app.add_routes(
        [web.get("/metrics", show_metrics), web.get("/healthz", show_health), web.get("/readyz", show_readiness)]
    )
    async with listening(app, host, port):
        yield


def _json(document: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json", status=status)
