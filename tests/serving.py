"""`floodgate serve` as a process, and questions to it."""

import os
import signal
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple

import msgspec
import orjson

from engine.dev.pages import free_port, metric_sum, read_page
from engine.settings import Settings
from tests import forks
from tests.system import System, wait_until

SURFACES = {
    "signup": {"types": ["signup"], "timeout_ms": 20_000, "otherwise": "challenge"},
    "payment": {"types": ["payment"], "timeout_ms": 20_000},
}


class Answered(NamedTuple):
    """What came of a request."""

    status: int
    headers: dict[str, str]
    document: dict[str, Any]


class Serving:
    """`floodgate serve` on the topics of a system."""

    def __init__(self, system: System, name: str = "serve", **own: Any) -> None:
        self.port, self.pages_port = free_port(), free_port()
        used = msgspec.to_builtins(system.settings)
        used["serve"] |= {"port": self.port, "pages_port": self.pages_port, **own}
        self._config, self._log = system.directory / f"{name}.json", system.directory / f"{name}.log"
        self._config.write_bytes(msgspec.json.encode(msgspec.convert(used, Settings)))
        self._scheme, self._context = ("https" if own.get("certificate_file") else "http"), ssl.create_default_context()
        self.start()

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = forks.start("engine.cli", ["serve", "--config", str(self._config)], os.environ, log, log)
        wait_until(lambda: '"ready"' in read_page(self.pages_port, "/readyz"), "questions are answered")

    def trust(self, ca_file: str) -> None:
        """Believe certificates that this has signed."""
        self._context.load_verify_locations(ca_file)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(90)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return metric_sum(read_page(self.pages_port, "/metrics"), name)

    def ask(self, surface: str, event: bytes, token: str = "") -> Answered:
        """One question."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            f"{self._scheme}://127.0.0.1:{self.port}/v1/ask/{surface}", event, headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._context) as response:
                return Answered(response.status, dict(response.headers), orjson.loads(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), orjson.loads(error.read()))


def event(kind: str, number: int, user: str = "anna", **more: Any) -> bytes:
    """An event of now."""
    return orjson.dumps({
        "event_id": f"{kind}-{number}", "type": kind, "user_id": user, "ts": time.time_ns() // 1_000_000, **more
    })  # fmt: skip
