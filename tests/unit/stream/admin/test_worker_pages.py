"""Where workers' pages are, and what is read there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from engine.dev.pages import free_port
from engine.stream.admin.worker_pages import WorkerPage, address_of, read_worker_page

FINE = b'{"status": "ready", "waiting_for": [], "rulebook": "abc", "version": "0.1.0"}'


def member(url: str, host: str) -> dict[str, Any]:
    return {"client_host": f"/{host}", "member_metadata": f'\\x00\\x05\\x99{{"assignment":{{}},"url":"{url}"}}'}


@pytest.mark.parametrize(
    ("url", "host", "address"),
    [
        ("http://0.0.0.0:6066", "10.0.0.7", ("10.0.0.7", 6066)),
        ("http://worker-3:6066", "10.0.0.7", ("10.0.0.7", 6066)),
        ("http://127.0.0.1:6067", "127.0.0.1", ("127.0.0.1", 6067)),
        ("http://127.0.0.1:6067", "10.0.0.7", None),
        ("http://localhost:6067", "10.0.0.7", None),
        ("http://worker-3", "10.0.0.7", None),
        ("http://worker-3:99999", "10.0.0.7", None),
        ("ftp://worker-3:21", "10.0.0.7", None),
    ],
)
def test_a_worker_is_asked_where_the_broker_sees_it(url: str, host: str, address: tuple[str, int] | None) -> None:
    assert address_of(member(url, host)) == address


@pytest.mark.parametrize("metadata", [None, "", b"", {"topics": []}, '"url":"'])
def test_members_of_another_kind_have_no_pages(metadata: Any) -> None:
    assert address_of({"client_host": "/10.0.0.7", "member_metadata": metadata}) is None


@contextmanager
def server(body: bytes, status: int = 200) -> Iterator[tuple[str, int]]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=[0.01])
        thread.start()
        yield "127.0.0.1", http.server_port
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 503])
def test_ready_or_not_a_worker_says_what_it_decides_by(status: int) -> None:
    with server(FINE, status) as address:
        assert read_worker_page(address) == WorkerPage("0.1.0", "abc", ())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"rulebook": 5}', b" " * (1 << 16) + FINE])
def test_what_is_no_such_page_says_nothing(body: bytes) -> None:
    with server(body) as address:
        assert read_worker_page(address) is None


def test_nobody_is_followed_elsewhere() -> None:
    with server(b"", 302) as address:
        assert read_worker_page(address) is None


def test_where_nobody_listens_nothing_is_said() -> None:
    assert read_worker_page(("127.0.0.1", free_port())) is None
