"""A webhook receiver as a process: it checks signatures by the lines in the documentation, and writes down what comes.

    python -m tests.receiver PORT SECRET_FILE LOG BEHAVIOUR

BEHAVIOUR is a file with JSON, read at each request: `status`, `delay_s`, `refuses` (ids answered with 500).
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from engine.dev.pages import free_port
from tests.system import wait_until

PAGE = Path(__file__).parents[1] / "docs/operators/deliver.md"


def documented_check() -> Any:
    """`is_ours` of the page."""
    (block,) = [
        code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "is_ours" in code
    ]
    found: dict[str, Any] = {}
    exec(block, found)  # noqa: S102  # our own page
    return found["is_ours"]


class Receiver:
    """The process, from outside."""

    def __init__(self, directory: Path, secret: str) -> None:
        self.port, self.log = free_port(), directory / "received.jsonl"
        self._behaviour, self._secret = directory / "behaviour.json", directory / "receiver.key"
        self._secret.write_text(secret)
        self.log.touch()
        self.behave()

    @property
    def url(self) -> str:
        """Where it takes actions."""
        return f"http://127.0.0.1:{self.port}/actions"

    def behave(self, status: int = 200, delay_s: float = 0, refuses: list[str] | None = None) -> None:
        """From the next request on."""
        fresh = self._behaviour.with_suffix(".new")
        fresh.write_text(json.dumps({"status": status, "delay_s": delay_s, "refuses": refuses or []}))
        fresh.rename(self._behaviour)

    def start(self) -> None:
        """Start it, or start it again."""
        command = [sys.executable, "-m", "tests.receiver", str(self.port)]
        self._process = subprocess.Popen([*command, *map(str, (self._secret, self.log, self._behaviour))])
        wait_until(self._answers, "the receiver answers")

    def _answers(self) -> bool:
        import urllib.request

        assert self._process.poll() is None
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def received(self) -> list[dict[str, Any]]:
        """Every request that was signed: `id`, `status`, `body`."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.endswith("}")]

    def taken(self) -> list[dict[str, Any]]:
        """Those that were taken."""
        return [one for one in self.received() if one["status"] == 200]


def serve(port: int, secret: str, log: Path, behaviour: Path) -> None:
    """Until it is killed."""
    is_ours = documented_check()
    out = log.open("a", encoding="utf-8")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told: Mapping[str, Any] = json.loads(behaviour.read_text())
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not is_ours(secret, headers, body):
                self._answer(401)
                return
            time.sleep(told["delay_s"])
            name = headers["webhook-id"]
            status = 500 if name in told["refuses"] else told["status"]
            out.write(json.dumps({"id": name, "status": status, "body": json.loads(body)}) + "\n")
            out.flush()
            self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_request(self, *_: Any) -> None:
            """Nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]).read_text(), Path(sys.argv[3]), Path(sys.argv[4]))
