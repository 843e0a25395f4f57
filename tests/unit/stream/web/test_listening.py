"""Clients that are slow, or many, over real sockets."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import trustme
from aiohttp import web

from engine.dev.pages import free_port
from engine.stream.web import listening as module
from engine.stream.web.connections import Crowd, Pace, Reason, Step
from engine.stream.web.listening import listening
from tests.sockets import Clients, read_to_the_end

REQUEST = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"
PATIENCE_S = 60


class Watched(Crowd):
    """Connections, and those that are no more."""

    def __init__(self, most: int, headers_s: float, note: Callable[[Reason], None]) -> None:
        super().__init__(most, headers_s, note)
        self.paces = list[Pace]()

    def enter(self, abort: Callable[[], None]) -> Pace:
        pace = super().enter(abort)
        self.paces.append(pace)
        return pace


class Served(Clients):
    """An application on a port, and what was closed."""

    def __init__(self, most: int = 100, headers_s: float = 30.0) -> None:
        super().__init__(free_port())
        self.closed = Counter[str]()
        self.crowd = Watched(most, headers_s, lambda reason: self.closed.update([reason]))
        self.let_go = asyncio.Event()

    def at(self, step: Step) -> int:
        """How many connections are at this step."""
        return sum(pace.step == step and not pace.is_closed for pace in self.crowd.paces)

    async def ask(self, path: bytes = b"quick") -> bytes:
        reader, _ = await self.connect(REQUEST % path)
        return await read_answer(reader)

    def application(self) -> web.Application:
        app = web.Application()

        async def quick(_: web.Request) -> web.Response:
            return web.Response(text="here")

        async def held(_: web.Request) -> web.Response:
            await self.let_go.wait()
            return web.Response(text="here")

        async def large(_: web.Request) -> web.Response:
            return web.Response(body=b"x" * (64 << 20))

        app.add_routes([web.get("/quick", quick), web.get("/held", held), web.get("/large", large)])
        return app


def served(work: Callable[[Served], Awaitable[None]], most: int = 100, headers_s: float = 30.0) -> Served:
    """What was closed while this worked."""

    async def run() -> Served:
        one = Served(most, headers_s)
        async with asyncio.timeout(PATIENCE_S), listening(one.application(), "127.0.0.1", one.port, one.crowd):
            await work(one)
            await one.leave()
        return one

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # what it is about tells nobody
        await asyncio.sleep(0.01)


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"here"))[-4:]


@pytest.mark.parametrize("first", [b"", b"GET /quick HTTP/1.1\r\nHost: here\r\n"])
def test_whoever_trickles_headers_is_closed_though_more_of_them_come(first: bytes) -> None:
    async def work(one: Served) -> None:
        reader, writer = await one.connect(first)
        ended = asyncio.ensure_future(read_to_the_end(reader))
        while not ended.done():
            if first:
                writer.write(b"x")
            await asyncio.wait([ended], timeout=0.02)
        assert ended.result() == b""
        assert await one.ask() == b"here"

    assert served(work, headers_s=1.0).closed == {"slow_headers": 1}


def test_a_handshake_that_does_not_come_is_not_waited_for() -> None:
    own = trustme.CA().issue_cert("127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.configure_cert(tls)

    async def run() -> None:
        one = Served(headers_s=0.5)
        bounded = listening(one.application(), "127.0.0.1", one.port, one.crowd, tls=tls)
        async with asyncio.timeout(PATIENCE_S), bounded:
            reader, _ = await one.connect()
            assert await read_to_the_end(reader) == b""
            await one.leave()

    asyncio.run(run())


def test_who_has_asked_may_rest_and_ask_again_and_the_second_headers_have_their_time_too() -> None:
    async def work(one: Served) -> None:
        reader, writer = await one.connect(REQUEST % b"quick")
        assert await read_answer(reader) == b"here"
        await asyncio.wait([asyncio.ensure_future(one.let_go.wait())], timeout=1.3)  # longer than headers may take
        writer.write(REQUEST % b"quick")
        assert await read_answer(reader) == b"here"
        assert not one.closed
        writer.write(b"GET /")
        assert await read_to_the_end(reader) == b""
        one.let_go.set()

    assert served(work, headers_s=1.0).closed == {"slow_headers": 1}


def test_whoever_does_not_take_an_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_S", 0.5)

    async def work(one: Served) -> None:
        reader, _ = await one.connect(REQUEST % b"large")
        await until(lambda: bool(one.closed))
        assert len(await read_to_the_end(reader)) < 64 << 20

    assert served(work).closed == {"slow_request": 1}


def test_where_there_are_too_many_those_go_who_ask_for_nothing() -> None:
    async def work(one: Served) -> None:
        asked = (REQUEST % b"held", REQUEST % b"quick", b"GET")
        busy, resting, silent = [await one.connect(sent) for sent in asked]
        assert await read_answer(resting[0]) == b"here"
        await one.connect(REQUEST % b"held")
        assert await read_to_the_end(silent[0]) == b""
        await until(lambda: one.at("request") == 2)
        await one.connect(REQUEST % b"held")
        assert await read_to_the_end(resting[0]) == b""
        await until(lambda: one.at("request") == 3)
        refused, _ = await one.connect(REQUEST % b"quick")
        assert await read_to_the_end(refused) == b""
        one.let_go.set()
        assert await read_answer(busy[0]) == b"here"

    assert served(work, most=3).closed == {"too_many": 3}


def test_at_the_end_who_waits_is_answered() -> None:
    async def run() -> bytes:
        one = Served()
        async with listening(one.application(), "127.0.0.1", one.port, one.crowd, stop_within_s=PATIENCE_S):
            reader, _ = await one.connect(REQUEST % b"held")
            await until(lambda: one.at("request") == 1)
            asyncio.get_running_loop().call_later(0.1, one.let_go.set)
        said = await read_answer(reader)
        await one.leave()
        assert len(one.crowd) == 0
        return said

    assert asyncio.run(run()) == b"here"
