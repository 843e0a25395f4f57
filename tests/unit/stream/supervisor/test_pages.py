"""The supervisor's pages tell of all processes, and answer whatever one of them does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
import pytest
from aiohttp import ClientSession, web

from engine.dev.pages import free_port, metric_sum
from engine.settings import Settings
from engine.stream.supervisor import pages as module
from engine.stream.supervisor.pages import Pages
from engine.stream.supervisor.process import WorkerProcess

READY = {"status": "ready", "waiting_for": [], "rulebook": "abc", "version": "0.1.0"}
EVENTS = (
    "# TYPE floodgate_events_total counter\nfloodgate_events_total 3\n# TYPE floodgate_ready gauge\nfloodgate_ready 1\n"
)

Answer = Callable[[str], Awaitable[web.Response]]
"""A worker, asked for a path."""


async def sound(path: str) -> web.Response:
    """One that decides events."""
    return web.Response(text=EVENTS) if path == "/metrics" else web.json_response(READY)


async def waiting(path: str) -> web.Response:
    """One that does not yet."""
    status = {**READY, "status": "waiting", "waiting_for": ["rulebook", "partitions"], "rulebook": None}
    return web.Response(text=EVENTS) if path == "/metrics" else web.json_response(status, status=503)


async def hanging(_: str) -> web.Response:
    """One that does not answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def endless(_: str) -> web.Response:
    """One that says more than anyone can bear."""
    return web.Response(text="x" * 2_000)


async def strange(_: str) -> web.Response:
    """No worker."""
    return web.Response(text="{oops} {")


class Standing:
    """A worker process, as the pages see it."""

    def __init__(self, number: int) -> None:
        self.number, self.settings, self.is_running, self.starts = number, Settings(web_port=free_port()), True, number


def asked(*answers: Answer | None, web_host: str = "127.0.0.1") -> dict[str, tuple[int, str]]:
    """Status and text of each page, over workers that answer so; None: one that does not run."""

    async def run() -> dict[str, tuple[int, str]]:
        workers = [Standing(number) for number in range(1, len(answers) + 1)]
        runners = [await serve(worker, answer) for worker, answer in zip(workers, answers, strict=True)]
        settings = Settings(web_port=free_port(), web_host=web_host)
        found = {}
        async with Pages(settings, cast(list[WorkerProcess], workers)), ClientSession() as client:
            for path in ("/metrics", "/healthz", "/readyz"):
                async with client.get(f"http://127.0.0.1:{settings.web_port}{path}") as response:
                    found[path] = response.status, await response.text()
        for runner in runners:
            await runner.cleanup()
        return found

    return asyncio.run(run())


async def serve(worker: Standing, answer: Answer | None) -> web.AppRunner:
    async def handle(request: web.Request) -> web.Response:
        assert answer is not None
        return await answer(request.path)

    app = web.Application()
    app.router.add_get("/{path}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    worker.is_running = answer is not None
    if answer is not None:
        await web.TCPSite(runner, worker.settings.web_host, worker.settings.web_port).start()
    return runner


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_METRICS_S", 0.5)
    monkeypatch.setattr(module, "_READINESS_S", 0.5)
    monkeypatch.setattr(module, "_MOST_BYTES", 1_000)


def readiness(found: dict[str, tuple[int, str]]) -> dict[str, Any]:
    status: dict[str, Any] = orjson.loads(found["/readyz"][1])
    return status


def test_all_that_is_well_is_told_as_of_one_worker() -> None:
    found = asked(sound, sound)
    assert metric_sum(found["/metrics"][1], "floodgate_events_total") == 6
    assert metric_sum(found["/metrics"][1], "floodgate_ready") == 1
    assert metric_sum(found["/metrics"][1], "floodgate_process_up") == 2
    assert 'floodgate_process_starts_total{process="2"} 2.0' in found["/metrics"][1]
    assert found["/healthz"] == (200, '{"status": "ok"}')
    assert found["/readyz"][0] == 200
    assert readiness(found) == {**READY, "missing": [], "processes": {"1": [], "2": []}}


def test_what_one_waits_for_all_wait_for() -> None:
    found = asked(sound, waiting)
    assert found["/readyz"][0] == 503
    assert readiness(found) == {
        "status": "waiting", "waiting_for": ["partitions", "rulebook"], "rulebook": None, "version": "0.1.0",
        "missing": [], "processes": {"1": [], "2": ["rulebook", "partitions"]},
    }  # fmt: skip


@pytest.mark.parametrize("bad", [hanging, endless, strange, None])
def test_one_that_gives_no_answer_holds_up_nothing_and_is_told(bad: Answer | None) -> None:
    found = asked(sound, bad)
    status, page = found["/metrics"]
    assert status == 200
    assert metric_sum(page, "floodgate_events_total") == 3
    assert metric_sum(page, "floodgate_ready") == 0
    assert 'floodgate_process_up{process="1"} 1.0' in page
    assert 'floodgate_process_up{process="2"} 0.0' in page
    assert found["/healthz"][0] == 200
    assert readiness(found)["processes"] == {"1": [], "2": ["process"]}


def test_they_listen_where_they_are_told() -> None:
    assert asked(sound, web_host="0.0.0.0")["/readyz"][0] == 200


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1/x"),
        ("::", "http://[::1]:1/x"),
        ("::1", "http://[::1]:1/x"),
        ("worker", "http://worker:1/x"),
    ],
)
def test_workers_are_asked_where_they_listen(host: str, url: str) -> None:
    assert module.url_of(Settings(web_host=host, web_port=1), "/x") == url
