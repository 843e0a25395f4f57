"""Prometheus with the project's alerts, all of whose times are shorter than in production."""

import re
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import orjson

from engine.dev.pages import free_port
from tests.promtool import find_promtool
from tests.system import wait_until

ALERTS = Path("deploy/prometheus/alerts.yml")
SHORTER = 10
"""All times of the alerts are divided by this, so that a night takes minutes."""

LEAST_S = 5
"""No time is shorter: workers ask their brokers every two seconds, Prometheus asks workers every second."""

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def shortened(alerts: str) -> str:
    """The alerts with durations, and thresholds that are seconds, divided by `SHORTER`."""

    def shorter(seconds: int) -> int:
        return max(LEAST_S, seconds // SHORTER)

    alerts = re.sub(r"\b(\d+)([smhd])\b", lambda found: f"{shorter(int(found[1]) * _SECONDS[found[2]])}s", alerts)
    return re.sub(r"(seconds(?:_behind)?\)? > )(\d+)", lambda found: f"{found[1]}{shorter(int(found[2]))}", alerts)


class Prometheus:
    """A server that watches workers on this machine. A context manager."""

    def __init__(self, directory: Path, ports: Sequence[int]) -> None:
        self._directory, self._port = directory, free_port()
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
        (directory / "alerts.yml").write_text(shortened(ALERTS.read_text("utf-8")))
        (directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [alerts.yml]\n"
            "scrape_configs:\n"
            f"  - {{job_name: floodgate, scrape_timeout: 1s, static_configs: [{{targets: [{targets}]}}]}}\n"
        )

    def __enter__(self) -> "Prometheus":
        server = find_promtool().with_name("prometheus")
        with (self._directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [server, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                 f"--web.listen-address=127.0.0.1:{self._port}"],
                cwd=self._directory, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(lambda: self._get("/-/ready"), "Prometheus is ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def firing(self) -> dict[str, str]:
        """The alerts that fire now, and how severe they are."""
        found = orjson.loads(self._get("/api/v1/alerts") or b'{"data": {"alerts": []}}')["data"]["alerts"]
        return {one["labels"]["alertname"]: one["labels"]["severity"] for one in found if one["state"] == "firing"}

    def _get(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            return b""
