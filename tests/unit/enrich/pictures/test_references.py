"""Where pictures may come from, and where whoever writes the address would like to lead us."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from engine.enrich.answers import Missing
from engine.enrich.pictures.http import WebPictures
from engine.enrich.pictures.references import References
from engine.enrich.web import Addresses

LOOPBACK = ("127.0.0.0/8",)


class Server:
    """A web server on this machine, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """By the path."""
        self.asked.append(request.path)
        path = request.path
        if path == "/to":
            return web.Response(status=302, headers={"Location": request.query["where"]})
        if path == "/loop":
            return web.Response(status=301, headers={"Location": "/loop"})
        if path == "/slow":
            await asyncio.sleep(3_600)
        if path == "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 10_000)
        return web.Response(body=b"picture", status=200 if path == "/ok" else 404)


def with_server(
    work: Callable[[Server, WebPictures], Awaitable[Any]], hosts: tuple[str, ...] = (), networks: Any = LOOPBACK
) -> Any:
    async def go() -> Any:
        server = Server()
        application = web.Application()
        application.router.add_get("/{rest:.*}", server.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        pictures = WebPictures((*hosts, f"localhost:{server.port}"), networks, 100_000)
        await pictures.start()
        try:
            return await work(server, pictures)
        finally:
            await pictures.stop()
            await runner.cleanup()

    return asyncio.run(go())


async def fetched(pictures: WebPictures, address: str) -> Any:
    try:
        return await pictures.fetch(address)
    except Missing as missing:
        return missing.reason


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/ok", b"picture"), ("/none", "not_there"), ("/endless", "too_large"), ("/loop", "too_many_redirects"),
        ("/to?where=/ok", b"picture"), ("/to?where=http://169.254.169.254/latest", "host_not_allowed"),
        ("/to?where=file:///etc/passwd", "host_not_allowed"), ("/to?where=http://other.example/x", "host_not_allowed"),
    ],
)  # fmt: skip
def test_what_a_host_that_is_allowed_answers(path: str, told: Any) -> None:
    assert with_server(lambda server, web: fetched(web, f"http://localhost:{server.port}{path}")) == told


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/ok", "http://[::1]:{port}/ok", "http://user@localhost:{port}/ok", "http://2130706433:{port}/ok",
        "http://localhost:{port}@evil.example/ok", "http://evil.example#@localhost:{port}/ok", "//localhost:{port}/ok",
        "http://localhost.evil.example:{port}/ok", "ftp://localhost:{port}/ok", "http://localhost/ok", "http://", "http://[",
        "http://0x7f.1:{port}/ok", "http://evil.example\\@localhost:{port}/ok", "gopher://localhost:{port}/_",
    ],
)  # fmt: skip
def test_no_other_address_is_connected_to(address: str) -> None:
    async def work(server: Server, pictures: WebPictures) -> tuple[Any, list[str]]:
        return await fetched(pictures, address.format(port=server.port)), server.asked

    told, asked = with_server(work)
    assert (told in ("host_not_allowed", "not_reached"), asked) == (True, [])


def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    async def work(server: Server, pictures: WebPictures) -> tuple[Any, list[str]]:
        return await fetched(pictures, f"http://localhost:{server.port}/ok"), server.asked

    assert with_server(work, networks=()) == ("private_address", [])


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1%eth0", "fd00::1",
     "::ffff:10.0.0.1", "2002:a00:1::", "224.0.0.1", "ff02::1", "192.168.1.1", "64:ff9b:1::a00:1",
     "64:ff9b::a00:1", "fec0::1", "::127.0.0.1", "::ffff:0:7f00:1"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    with pytest.raises(Missing, match="private_address"):
        Addresses(()).check(address)


def test_public_addresses_and_declared_networks_are_connected_to() -> None:
    Addresses(()).check("93.184.215.14")
    Addresses(()).check("2606:2800:220:1::1")
    Addresses(("10.1.0.0/16",)).check("10.1.2.3")


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    async def resolve(self: Any, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "10.0.0.1"  # rebound after the first look
        return [{"hostname": host, "host": address, "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    told = with_server(lambda server, web: fetched(web, f"http://localhost:{server.port}/ok"))
    assert (told, looked_up) == (b"picture", ["localhost"])


def test_hosts_below_a_declared_one() -> None:
    async def work(server: Server, pictures: WebPictures) -> list[Any]:
        return [
            await fetched(pictures, f"http://{host}/x")
            for host in ("evilshop.example", "shop.example", "a.shop.example")
        ]

    assert with_server(work, ("*.shop.example",)) == ["host_not_allowed", "host_not_allowed", "not_reached"]


def bytes_of(reference: str, directory: str = "", stores: tuple[str, ...] = ()) -> Any:
    async def go() -> Any:
        web = WebPictures((), (), 1_000)
        try:
            return await References(web, directory, stores, 1_000).bytes_of(reference)
        except Missing as missing:
            return missing.reason

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (b64encode(b"abc").decode(), b"abc"), ("data:image/png;base64,YWJj", b"abc"), ("?", "no_picture"),
        ("data:text/plain,abc", "no_picture"), ("data:;base64", "no_picture"), ("A" * 2_000, "too_large"),
        ("file:///etc/passwd", "host_not_allowed"), ("s3://uploads/x", "host_not_allowed"),
        ("simplecache::s3://uploads/x", "host_not_allowed"), ("memory://x", "host_not_allowed"),
        ("javascript:alert(1)", "host_not_allowed"), ("\0file:///etc/passwd", "host_not_allowed"),
    ],
)  # fmt: skip
def test_bytes_and_addresses_without_anything_allowed(reference: str, told: Any) -> None:
    assert bytes_of(reference) == told


def test_files_below_the_directory_and_no_others(tmp_path: Path) -> None:
    inner = tmp_path / "pictures"
    inner.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (inner / "a b.png").write_bytes(b"picture")
    (inner / "large").write_bytes(b"x" * 1_001)
    (inner / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(inner / "pipe")
    expected = {
        "file:/a%20b.png": b"picture", "file:///a%20b.png": b"picture", "file:/../secret": "host_not_allowed",
        "file:///..%2fsecret": "host_not_allowed", "file:/link": "host_not_allowed", "file:/pipe": "not_there",
        "file:/": "not_there", "file:/none": "not_there", "file:/large": "too_large",
        "file://host/a": "host_not_allowed", "file:/%00": "not_there", "file://[": "not_there",
    }  # fmt: skip
    assert {one: bytes_of(one, str(inner)) for one in expected} == expected


def test_object_stores_by_their_declared_beginnings() -> None:
    fsspec = pytest.importorskip("fsspec", reason="NOT TESTED: the extra `images` is not installed")
    with fsspec.open("memory://uploads/a.png", "wb") as file:
        file.write(b"picture")
    stores = ("memory://uploads/",)
    assert bytes_of("memory://uploads/a.png", stores=stores) == b"picture"
    assert bytes_of("memory://uploads/none", stores=stores) == "not_there"
    for other in ("memory://other/a.png", "memory://uploads/../other/a.png", "memory://uploads/::file:///etc/passwd"):
        assert bytes_of(other, stores=stores) == "host_not_allowed"
