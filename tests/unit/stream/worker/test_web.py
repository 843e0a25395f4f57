"""What a worker's pages say."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from engine.dev.pages import free_port
from engine.enrich.worker.app import EnrichApp
from engine.settings import Settings
from engine.stream.admin.worker_pages import WorkerPage
from engine.stream.web import listening
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.web import BoundedWeb, add_pages
from tests.sockets import read_to_the_end

PATIENCE_S = 60


def pages(waiting: list[str], enrichers: dict[str, Any] | None = None) -> dict[str, Any]:
    """The pages of a worker, by their paths, as (body, status or type)."""
    found: dict[str, Any] = {}

    def page(path: str) -> Callable[[Any], Any]:
        return lambda view: found.update({path: view})

    app: Any = SimpleNamespace(
        web=SimpleNamespace(blueprints="Faust's own"), page=page, waiting_for=lambda: waiting,
        control=SimpleNamespace(rulebook_id="abc"),
        metrics=SimpleNamespace(expose=lambda: b"floodgate_ready 1", tellings=lambda: enrichers or {}),
        reference=SimpleNamespace(missing=lambda: ["file city.mmdb"]),
    )  # fmt: skip
    add_pages(app)
    assert app.web.blueprints != "Faust's own"
    view = SimpleNamespace(
        json=lambda body, status=200: (body, status), bytes=lambda body, content_type: (body, content_type)
    )
    return {path: asyncio.run(one(view, None)) for path, one in found.items()}


@pytest.mark.parametrize(
    ("waiting", "status", "code"), [([], "ready", 200), (["rulebook"], "waiting", 503)], ids=["ready", "waiting"]
)
def test_readiness_is_told_in_words_and_by_the_status(waiting: list[str], status: str, code: int) -> None:
    found = pages(waiting)
    assert found == {
        "/readyz": (
            {
                "status": status,
                "waiting_for": waiting,
                "rulebook": "abc",
                "version": "0.1.0",
                "missing": ["file city.mmdb"],  # which keeps nobody from deciding
            },
            code,
        ),
        "/healthz": ({"status": "ok"}, 200),  # it lives, whatever it waits for
        "/metrics": (b"floodgate_ready 1", "text/plain"),
    }


def test_a_worker_of_the_stage_before_events_tells_of_its_enrichers() -> None:
    told = {"phones": {"asked": 3, "seconds": 0.5, "missing": {"timeout": 1}}}
    body, _ = pages([], told)["/readyz"]
    assert body["enrichers"] == told
    assert msgspec.convert(body, WorkerPage).enrichers["phones"].missing == {"timeout": 1}


def test_who_is_slow_to_ask_holds_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_HEADERS_S", 0.2)
    port = free_port()

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await read_to_the_end(reader)
        writer.close()
        return answer

    async def run() -> tuple[bytes, bytes]:
        web = cast(Any, FloodgateApp(Settings(data_dir=str(tmp_path), web_port=port)).web)
        web.init_server()
        await web.start_server()
        try:
            async with asyncio.timeout(PATIENCE_S):
                end = b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
                return await asyncio.gather(ask(b"GET /healthz HTTP/1.1\r\nHost: "), ask(b"GET /healthz" + end))
        finally:
            await web.stop_server()

    slow, quick = asyncio.run(run())
    assert slow == b""
    assert quick.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("kind", [FloodgateApp, EnrichApp])
def test_both_kinds_of_workers_have_such_pages(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> None:
    monkeypatch.setattr(f"{kind.__module__}.{BoundedWeb.__name__}", lambda app: ["bounded", app])
    assert kind._new_web("made") == ["bounded", "made"]
