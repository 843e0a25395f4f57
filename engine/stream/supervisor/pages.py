"""The supervisor's web pages, by the names of a worker's: what all its processes say, as one.

Each time they are asked anew. One that does not answer in time is left out, and that is told.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from engine.build import find_build
from engine.settings import Settings
from engine.stream.admin.worker_pages import WorkerPage
from engine.stream.supervisor.page_sums import PageSums, read_metrics
from engine.stream.supervisor.process import WorkerProcess
from engine.stream.web.listening import listening

_METRICS_S = 5.0
"""A worker answers between two batches. Prometheus waits for ten seconds."""
_READINESS_S = 1.5
"""`floodgate status` waits for two."""
_MOST_BYTES = 4 << 20
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Where one is asked that listens everywhere."""


class ProcessMetrics:
    """A collector of Prometheus' client: what the supervisor knows of the processes, and the sums of what they say."""

    def __init__(self, workers: Sequence[WorkerProcess]) -> None:
        self.sums = PageSums()
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """All metrics of the page."""
        up = GaugeMetricFamily("floodgate_process_up", "1 while the worker process answers", labels=["process"])
        starts = CounterMetricFamily("floodgate_process_starts", "Starts of the worker process", labels=["process"])
        for worker in self._workers:
            up.add_metric([str(worker.number)], worker.number in self.sums.answering)
            starts.add_metric([str(worker.number)], worker.starts)
        yield from (up, starts)
        yield from self.sums.collect()


class Pages:
    """A context manager: the pages are there within it. Raises OSError where the port is taken."""

    def __init__(self, settings: Settings, workers: Sequence[WorkerProcess]) -> None:
        self._settings, self._workers = settings, workers
        self._metrics, self._registry = ProcessMetrics(workers), CollectorRegistry()
        self._registry.register(self._metrics)
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._show_metrics),
                web.get("/healthz", self._show_health),
                web.get("/readyz", self._show_readiness),
            ]
        )
        async with AsyncExitStack() as opened:
            self._client = await opened.enter_async_context(ClientSession(trust_env=False))  # no proxy before them
            await opened.enter_async_context(listening(app, self._settings.web_host, self._settings.web_port))
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.__aexit__(kind, error, trace)

    async def _show_metrics(self, _: web.Request) -> web.Response:
        async with self._one_at_a_time:  # an older answer that is taken later would let counters fall
            await asyncio.gather(*map(self._take_metrics, self._workers))
            page = generate_latest(self._registry)
        return web.Response(body=page, content_type="text/plain")

    async def _take_metrics(self, worker: WorkerProcess) -> None:
        start, page = worker.starts, await self._ask(worker, "/metrics", _METRICS_S)
        try:
            metrics = read_metrics(page) if page is not None else None
        except ValueError:  # no worker's
            metrics = None
        self._metrics.sums.take(worker.number, start, metrics)

    async def _show_health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _show_readiness(self, _: web.Request) -> web.Response:
        answers = await asyncio.gather(*map(self._ask_readiness, self._workers))
        waiting = {worker.number: waits_for(answer) for worker, answer in zip(self._workers, answers, strict=True)}
        all_waiting = sorted({each for listed in waiting.values() for each in listed})
        rulebooks = {answer.rulebook for answer in answers if answer is not None}
        status = {
            "status": "waiting" if all_waiting else "ready",
            "waiting_for": all_waiting,
            "rulebook": rulebooks.pop() if len(rulebooks) == 1 else None,
            "version": find_build().version,
            "missing": sorted({each for answer in answers if answer is not None for each in answer.missing}),
            "processes": waiting,
        }
        return web.json_response(status, status=503 if all_waiting else 200)

    async def _ask_readiness(self, worker: WorkerProcess) -> WorkerPage | None:
        page = await self._ask(worker, "/readyz", _READINESS_S)
        try:
            return msgspec.json.decode(page, type=WorkerPage) if page is not None else None
        except msgspec.MsgspecError:  # no worker's
            return None

    async def _ask(self, worker: WorkerProcess, path: str, within_s: float) -> bytes | None:
        """A page; None where there is none in time, or none of a bearable length."""
        if not worker.is_running:
            return None
        page = b""
        try:
            async with self._client.get(
                url_of(worker.settings, path), timeout=ClientTimeout(total=within_s)
            ) as response:
                async for part in response.content.iter_any():
                    page += part
                    if len(page) > _MOST_BYTES:
                        return None
        except (ClientError, TimeoutError, OSError):
            return None
        return page


def waits_for(answer: WorkerPage | None) -> tuple[str, ...]:
    """What keeps a process from deciding events; `process`: it does not answer, or is being started again."""
    return answer.waiting_for if answer is not None else ("process",)


def url_of(settings: Settings, path: str) -> str:
    """Where a worker on this machine is asked for a page."""
    host = _ANYWHERE.get(settings.web_host, settings.web_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}{path}"
