"""A worker's pages from outside: those that wait for one rely on an empty text until it is ready."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.dev.pages import read_page


class _Worker(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = self.path == "/healthz"
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(b"ok" if ready else b"waiting")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Worker)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_that_says_not_yet_is_empty(port: int) -> None:
    assert (read_page(port, "/healthz"), read_page(port, "/readyz")) == ("ok", "")
