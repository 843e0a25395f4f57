"""The worker's web pages: /metrics, /healthz, /readyz. Read-only; bound to loopback by default."""

from typing import Any

from faust.web.base import BlueprintManager

from engine.build import find_build
from engine.stream.worker.host import Host


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
        status = {
            "status": "ready" if not waiting else "waiting",
            "waiting_for": waiting,
            "rulebook": app.control.rulebook_id,
            "version": find_build().version,
            "missing": app.reference.missing(),
        }
        return view.json(status, status=200 if not waiting else 503)

    app.page("/metrics")(metrics)
    app.page("/healthz")(healthz)
    app.page("/readyz")(readyz)
