"""A worker's pages from outside: those that wait for one rely on an empty text until it is ready."""

import threading
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.error import HTTPError

import pytest

from engine.dev import pages
from engine.dev.pages import free_port, free_ports, read_page


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


def test_an_answer_that_refuses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.14 on, an answer that is left open is warned of."""
    answer = BytesIO(b"waiting")
    refusal = HTTPError("", 503, "", Message(), answer)

    def refuse(*_: object, **__: object) -> None:
        raise refusal

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert read_page(1, "/readyz") == ""
    assert answer.closed


def test_no_port_is_given_to_two_who_do_not_listen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_ports(20)
    monkeypatch.setattr(pages, "PORTS", (first, first + 20))
    monkeypatch.setattr(pages, "_given", set[int]())
    pair = free_ports(2)
    given = [pair, pair + 1, *(free_port() for _ in range(12))]
    assert len(set(given)) == 14
    assert set(given) < set(range(first, first + 20))
