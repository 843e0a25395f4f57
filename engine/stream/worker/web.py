"""The worker's web pages: /metrics, /healthz, /readyz. Read-only; bound to loopback by default.

Private seams used (faust-streaming 0.15.3): `_new_web` of the application (faust/app/base.py), `start_server` and
`stop_server` of `Web` (faust/web/drivers/aiohttp.py): `tests/unit/stream/worker/test_seams.py` fails when they move.
"""

from contextlib import AsyncExitStack
from typing import Any

from faust.web.base import BlueprintManager
from faust.web.drivers import aiohttp as driver

from engine.build import find_build
from engine.stream.web.listening import listening
from engine.stream.worker.host import Host


class BoundedWeb(driver.Web):
    """Faust's web server, with bounds on connections: aiohttp lets in whoever comes, and waits for them for ever."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._listening = AsyncExitStack()

    async def start_server(self) -> None:
        """Serve the pages. Raises OSError where the port is taken."""
        conf = self.app.conf
        await self._listening.enter_async_context(listening(self.web_app, conf.web_bind, conf.web_port))

    async def stop_server(self) -> None:
        """Let nobody in any more."""
        await self._listening.aclose()


def add_pages(app: Host) -> None:
    """Register the pages with Faust's web server, in the place of its own: those show keys of the state, and ask other
    workers for them (faust/web/base.py, `DEFAULT_BLUEPRINTS`)."""
    app.web.blueprints = BlueprintManager()

    async def metrics(view: Any, request: Any) -> Any:
        return view.bytes(app.metrics.expose(), content_type="text/plain")

    async def healthz(view: Any, request: Any) -> Any:
        return view.json({"status": "ok"})

    async def readyz(view: Any, request: Any) -> Any:
        waiting = app.waiting_for()
        status: dict[str, Any] = {
            "status": "ready" if not waiting else "waiting",
            "waiting_for": waiting,
            "rulebook": app.control.rulebook_id,
            "version": find_build().version,
            "missing": app.reference.missing(),
        }
        enrichers = app.metrics.tellings()
        if enrichers:
            status["enrichers"] = enrichers
        return view.json(status, status=200 if not waiting else 503)

    app.page("/metrics")(metrics)
    app.page("/healthz")(healthz)
    app.page("/readyz")(readyz)
