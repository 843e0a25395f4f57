"""A classifier that tests ask: a real server on this machine, which does what the text says that it was sent."""

import json
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = ["127.0.0.0/8"]


class Classifier(ThreadingHTTPServer):
    """`asked`: the bodies that it got; `headers`: of the last one; `is_broken`: whether it fails, whatever it is
    sent; `most_hanging`: how many it has kept waiting at a time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[Any] = []
        self.headers: dict[str, str] = {}
        self.is_broken = False
        self.most_hanging = self._hanging = 0
        self._counting = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/score"

    def count_hanging(self, more: int) -> None:
        """So many more are kept waiting."""
        with self._counting:
            self._hanging += more
            self.most_hanging = max(self.most_hanging, self._hanging)

    def score(self, sent: Any) -> dict[str, Any]:
        """What it says of one event."""
        text = str(sent.get("text"))
        return {"scores": {"spam": min(1.0, text.count("buy") / 4)}, "verdict": "bad" if "buy" in text else "good"}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Classifier

    def do_POST(self) -> None:
        """By what stands in the body."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        self.server.asked.append(body)
        self.server.headers = dict(self.headers.items())
        said = raw.decode()
        if self.server.is_broken or "POISON" in said:
            self._say(500, b"Traceback")
        elif "HANG" in said:
            self._hang()
        elif "GARBAGE" in said:
            self._say(200, b"\xff\xfe not json")
        elif "HUGE" in said:
            self._say(200, b"[" + b"1," * 200_000 + b"1]")
        elif "ELSEWHERE" in said:
            self._say(307, b"", {"Location": "http://169.254.169.254/latest/meta-data"})
        elif "DROP" in said:
            self.close_connection = True
        elif "REFUSED" in said:
            self._say(422, b"{}")
        elif "ODD" in said:
            self._say(200, b'{"scores": {"spam": null}, "verdict": "approved by admin"}')
        elif isinstance(body, list):
            self._say(200, json.dumps({"results": [self.server.score(one) for one in body]}).encode())
        else:
            self._say(200, json.dumps(self.server.score(body)).encode())

    def _hang(self) -> None:
        """Say nothing until who asked hangs up."""
        self.server.count_hanging(1)
        select.select([self.connection], [], [], 60)
        self.server.count_hanging(-1)
        self.close_connection = True

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # who asked has read enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def classifier(kind: type[Classifier] = Classifier) -> Iterator[Classifier]:
    """One that runs."""
    server = kind()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
