"""The console as a process: the web, what follows topics, and what sends out, until it is told to stop."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from engine.console.bounded_http import BoundedHttp
from engine.console.following.follower import Follower
from engine.console.following.standing import StandingReader
from engine.console.outgoing.dispatcher import Dispatcher
from engine.console.store.database import Store
from engine.console.web.app import make_app
from engine.settings import Settings

_SWITCH_S = 0.0005
"""So long a thread may compute before another one's turn. A page waits for its turn after each of its questions to the
store, while what follows the topics computes: of Python's own 5 ms, some dozens make a page slow."""

_KEEP_ALIVE_S = 30
_MOST_REQUESTS_AT_ONCE = 200  # more than there are connections (`BoundedHttp`)


class _Server(uvicorn.Server):
    """One that ends with exit code 0 when it is told to stop: uvicorn's own raises the signal once more in the end
    (uvicorn/server.py, `capture_signals`)."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings, store: Store) -> None:
    """Serve until SIGTERM or SIGINT."""
    sys.setswitchinterval(_SWITCH_S)
    stopping = threading.Event()
    app = make_app(settings, store)
    config = uvicorn.Config(
        app,
        host=settings.console.host,
        port=settings.console.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=BoundedHttp,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        limit_concurrency=_MOST_REQUESTS_AT_ONCE,
    )
    threads = [
        threading.Thread(target=run, args=(stopping,), name=name)
        for name, run in (
            ("follower", Follower(settings, store).run),
            ("dispatcher", Dispatcher(settings, store).run),
            ("standing", StandingReader(settings, store).run),
        )
    ]
    for thread in threads:
        thread.start()
    app.state.console.control.begin()
    try:
        _Server(config).run()
    finally:
        stopping.set()
        app.state.console.close()
        for thread in threads:
            thread.join()
        store.close()
