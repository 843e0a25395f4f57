"""The console as a process: the web, what follows topics, and what sends out, until it is told to stop."""

import threading

import uvicorn

from engine.console.store.database import Store
from engine.console.web.app import make_app
from engine.settings import Settings

_KEEP_ALIVE_S = 30
_MOST_REQUESTS_AT_ONCE = 200


def serve(settings: Settings, store: Store) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = threading.Event()
    config = uvicorn.Config(
        make_app(settings, store),
        host=settings.console.host,
        port=settings.console.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        limit_concurrency=_MOST_REQUESTS_AT_ONCE,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        stopping.set()
