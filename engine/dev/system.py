"""A whole system on one machine: embedded broker or Kafka, topics, rulebook, workers as processes."""

import contextlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.dev.pages import free_port, read_page
from engine.errors import FloodgateError
from engine.rulebook.compiler import load_rulebook
from engine.settings import RETENTION_DAYS, Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.topics import create_topics

FOR_GOOD_DAYS = 36_500
DEMO_POLICIES = ("scam", "fake engagement", "adult content")
_START_TIMEOUT_S = 60.0


def end_process(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()


class LocalWorker:
    """A worker process, its log and its web port. `command`: what it is, of the engine or of the stage before it."""

    def __init__(self, settings: Settings, directory: Path, name: str, command: str = "worker") -> None:
        self.log_path = directory / f"{name}.log"
        self.port = free_port()
        config = directory / f"{name}.json"
        own = msgspec.structs.replace(settings, data_dir=str(directory / name), web_port=self.port)
        config.write_bytes(msgspec.json.encode(own))
        started = [sys.executable, "-m", "engine.cli", command, "--config", str(config)]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(started, stdout=log, stderr=log)

    def page(self, path: str) -> str:
        """A page of its web server; empty while it is not up."""
        return read_page(self.port, path)

    def wait_until_ready(self) -> None:
        """Return when it decides events; raise with the end of its log when it ends or takes too long."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while '"ready"' not in self.page("/readyz"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise FloodgateError(f"the worker did not start:\n{self.log_path.read_text('utf-8')[-3000:]}")
            time.sleep(0.1)

    def raise_if_ended(self) -> None:
        """Raise with the end of its log when it has ended by itself."""
        if self._process.poll() is not None:
            raise FloodgateError(f"a worker ended by itself:\n{self.log_path.read_text('utf-8')[-3000:]}")

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        end_process(self._process)


class LocalConsole:
    """A console process, its log, and an account that may do everything."""

    NAME = "demo"

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.log_path, self.port = directory / "console.log", free_port()
        self.password = secrets.token_urlsafe(12)
        console = msgspec.structs.replace(
            settings.console, store=f"sqlite:///{directory / 'console.db'}", port=self.port, policies=DEMO_POLICIES
        )
        config, password = directory / "console.json", directory / "console.password"
        config.write_bytes(msgspec.json.encode(msgspec.structs.replace(settings, console=console)))
        password.write_text(self.password)
        command = [sys.executable, "-m", "engine.cli", "console", "--config", str(config)]
        add = [*command, "user", "add", self.NAME, "--role", "administrator", "--password-file", str(password)]
        subprocess.run(add, check=True, stdout=subprocess.DEVNULL)
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        """Return when it answers; raise with the end of its log when it ends or takes too long."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while read_page(self.port, "/healthz") != "ok\n":
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise FloodgateError(f"the console did not start:\n{self.log_path.read_text('utf-8')[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        end_process(self._process)


class LocalSystem:
    """Starts everything, ends everything; its files live in a temporary directory. `enrichment`: what the stage before
    `events` does, as settings have it; without it there is none."""

    def __init__(
        self, rules: Path, workers: int = 1, kafka: bool = False, with_console: bool = False,
        enrichment: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._directory = Path(tempfile.mkdtemp(prefix="floodgate-"))
        self.broker = KafkaCluster() if kafka else BrokerProcess()
        self.settings = msgspec.convert(
            {
                "brokers": self.broker.address,
                "partitions": 4,
                "session_timeout_ms": 6_000,
                "retention_days": dict.fromkeys(RETENTION_DAYS, FOR_GOOD_DAYS),  # what is recorded arrived long ago
                "enrichment": enrichment or {},
            },
            Settings,
        )
        self.workers: list[LocalWorker] = []
        self.stage: LocalWorker | None = None
        self.console: LocalConsole | None = None
        try:
            create_topics(self.settings)
            rulebook = load_rulebook(rules)
            self.rulebook_id = rulebook.id
            publish_rulebook(self.settings, rulebook, "demo", "demo")
            self.workers = [LocalWorker(self.settings, self._directory, f"worker-{i}") for i in range(1, workers + 1)]
            if enrichment:
                self.stage = LocalWorker(self.settings, self._directory, "enrich", "enrich")
            for worker in self.all_workers():
                worker.wait_until_ready()
            if with_console:
                self.console = LocalConsole(self.settings, self._directory)
                self.console.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def all_workers(self) -> list[LocalWorker]:
        """Those of the stage before `events` too."""
        return [*self.workers, *([self.stage] if self.stage is not None else [])]

    def stop(self) -> None:
        """End all processes and remove their files."""
        if self.console is not None:
            self.console.stop()
        for worker in self.all_workers():
            worker.stop()
        self.broker.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> "LocalSystem":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
