"""A web application of aiohttp's is served, with bounds that aiohttp does not have: on connections, on the time that a
request's headers take, and on that until its answer is taken."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from engine.stream.web.connections import Crowd, Pace

REQUEST_S = 90.0
"""So long a request may take, from its headers until its answer is taken: longer than any answer takes."""

_IDLE_S = 75.0
_MOST, _HEADERS_S = 100, 10.0
"""For pages that are read by few."""


class _Connection(RequestHandler):
    """One that tells how far it is (`tests/unit/stream/web/test_listening.py` fails where aiohttp moves)."""

    __slots__ = ("_crowd", "pace")

    def __init__(self, server: web.Server, crowd: Crowd) -> None:
        super().__init__(
            server, loop=asyncio.get_running_loop(), access_log=None, keepalive_timeout=_IDLE_S  # type: ignore[arg-type]
        )  # fmt: skip
        self._crowd = crowd
        self.pace: Pace

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.pace = self._crowd.enter(transport.abort)
        if not self.pace.is_closed:
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._crowd.leave(self.pace)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if data:
            self.pace.hear()
        super().data_received(data)

    async def finish_response(self, *arguments: Any) -> Any:
        """The answer goes out."""
        try:
            return await super().finish_response(*arguments)
        finally:
            self.pace.go_on("rest")


@web.middleware
async def _begin(request: web.Request, handler: Any) -> web.StreamResponse:
    assert isinstance(request.protocol, _Connection)
    request.protocol.pace.go_on("request", REQUEST_S)
    answer: web.StreamResponse = await handler(request)
    return answer


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, crowd: Crowd | None = None, *,
    tls: ssl.SSLContext | None = None, stop_within_s: float = 1.0,
) -> AsyncIterator[None]:  # fmt: skip
    """The application is served within it; at its end nobody new is let in, and who waits is answered. Raises OSError
    where the port is taken."""
    app.middlewares.insert(0, _begin)
    let_in = crowd if crowd is not None else Crowd(_MOST, _HEADERS_S)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=stop_within_s)
    await runner.setup()
    try:
        server = runner.server
        assert server is not None
        listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(server, let_in), host, port, ssl=tls, backlog=128,
            ssl_handshake_timeout=let_in.headers_s if tls is not None else None,
        )  # fmt: skip
        try:
            yield
        finally:
            listener.close()
    finally:
        await runner.cleanup()
