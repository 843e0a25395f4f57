"""Slow clients of the console, over real sockets."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from engine.console import bounded_http
from engine.console.bounded_http import BoundedHttp
from engine.stream.web.connections import Crowd
from tests.sockets import Clients, read_to_the_end

QUICK = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
HELD = QUICK.replace(b"/", b"/held", 1)
FORM = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"


class Console(Clients):
    """An application behind the console's connections. `closed`: why some were."""

    def __init__(self, port: int, let_go: asyncio.Event, closed: Counter[str]) -> None:
        super().__init__(port)
        self.let_go, self.closed = let_go, closed


def served(work: Callable[[Console], Awaitable[None]], headers_s: float = 30.0, most: int = 100) -> Counter[str]:
    """Why connections were closed meanwhile."""

    async def run() -> Counter[str]:
        let_go, closed = asyncio.Event(), Counter[str]()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            while (await receive()).get("more_body"):
                pass
            if scope["path"] == "/held":
                await let_go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"here"})

        class Own(BoundedHttp):
            crowd = Crowd(most, headers_s, lambda reason: closed.update([reason]))

        config, state, loop = uvicorn.Config(app, lifespan="off"), ServerState(), asyncio.get_running_loop()
        config.load()
        server = await loop.create_server(lambda: Own(config, state, {}, loop), "127.0.0.1", 0)
        console = Console(server.sockets[0].getsockname()[1], let_go, closed)
        async with asyncio.timeout(60), server:
            await work(console)
            await console.leave()
        return closed

    return asyncio.run(run())


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\r\n\r\nhere"))[-4:]


def test_headers_have_their_time_though_more_of_them_come() -> None:
    async def work(console: Console) -> None:
        reader, writer = await console.connect(QUICK)
        assert await read_answer(reader) == b"here"
        ended = asyncio.ensure_future(read_to_the_end(reader))
        writer.write(b"GET /")
        while not ended.done():
            writer.write(b"x")
            await asyncio.wait([ended], timeout=0.02)
        assert ended.result() == b""

    assert served(work, headers_s=0.5) == {"slow_headers": 1}


def test_so_has_a_body_and_an_answer_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "_BODY_S", 0.3)

    async def work(console: Console) -> None:
        held, _ = await console.connect(HELD)
        reader, _ = await console.connect(FORM + b"1234")
        assert await read_to_the_end(reader) == b""
        assert console.closed == {"slow_request": 1}
        console.let_go.set()
        assert await read_answer(held) == b"here"
        whole, _ = await console.connect(FORM + b"12345" + QUICK)  # and one behind it
        assert [await read_answer(whole) for _ in range(2)] == [b"here"] * 2

    assert served(work) == {"slow_request": 1}


def test_slow_clients_keep_nobody_out() -> None:
    async def work(console: Console) -> None:
        slow = [await console.connect(b"GET") for _ in range(3)]
        reader, _ = await console.connect(QUICK)
        assert await read_answer(reader) == b"here"
        assert await read_to_the_end(slow[0][0]) == b""

    assert served(work, most=3) == {"too_many": 1}
