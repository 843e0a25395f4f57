"""Workers of the stage before `events` as processes, and somebody else's enrichers for them."""

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import orjson
from kafka import KafkaProducer

from engine.dev.pages import free_port, metric_sum, read_page
from engine.settings import Settings
from engine.stream.kafka.clients import options
from tests import forks
from tests.system import System

ENRICHERS = """
import asyncio, time
from engine.enrich.enricher import Enricher, HeavyEnricher, Missing

class Length(Enricher):
    def key(self, event):
        return str(event.find("text"))

    async def enrich(self, event):
        return {"characters": len(event.find("text") or "")}

class Hanging(Enricher):
    def is_about(self, event):
        return event.find("hangs") is True

    async def enrich(self, event):
        await asyncio.sleep(3600)

class Failing(Enricher):
    async def enrich(self, event):
        if event.find("fails"):
            raise RuntimeError("no answer")
        return None

class Heavy(HeavyEnricher):
    def answer(self, event):
        if event.find("spins"):
            while True:
                pass
        if event.find("refused"):
            raise Missing("too_long")
        return {"heavy": event.user_id}
"""


def install(directory: Path) -> Path:
    """What pip would have made of somebody's package: a module, and its entry points."""
    (directory / "others-1.0.dist-info").mkdir(parents=True)
    (directory / "others.py").write_text(ENRICHERS)
    (directory / "others-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    names = "".join(f"{kind.lower()} = others:{kind}\n" for kind in ("Length", "Hanging", "Failing", "Heavy"))
    (directory / "others-1.0.dist-info" / "entry_points.txt").write_text(f"[floodgate.enrichers]\n{names}")
    return directory


class EnrichWorker:
    """`floodgate enrich` as a process. `path`: where Python finds other people's enrichers."""

    def __init__(self, system: System, name: str, path: Path | None = None) -> None:
        self.port, self._directory, self.name = free_port(), system.directory, name
        own = msgspec.structs.replace(system.settings, web_port=self.port, data_dir=str(system.directory / name))
        self._config = system.directory / f"{name}.json"
        self._config.write_bytes(msgspec.json.encode(own))
        here = str(Path(__file__).parents[1])
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *([str(path)] if path else [])])}
        self.restart()

    def restart(self) -> None:
        """Start it, or start it again."""
        with (self._directory / f"{self.name}.log").open("ab") as log:
            arguments = ["enrich", "--config", str(self._config)]
            self._process = forks.start("engine.cli", arguments, self._environment, log, log)

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        return (self._directory / f"{self.name}.log").read_text("utf-8", "replace")

    def ready(self) -> bool:
        """Whether it does its work."""
        assert self._process.poll() is None, f"{self.name} ended by itself:\n{self.log[-3000:]}"
        return '"ready"' in read_page(self.port, "/readyz")

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return metric_sum(read_page(self.port, "/metrics"), name)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def wait_until_ended(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait(120)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(90)


def publish_raw(settings: Settings, events: list[dict[str, Any] | bytes], key: bytes = b"") -> None:
    """Publish messages to `raw_events`."""
    producer = KafkaProducer(**options(settings), max_request_size=8 << 20)
    for event in events:
        own = key or (event["user_id"].encode() if isinstance(event, dict) else b"")
        producer.send(settings.topics.raw_events, event if isinstance(event, bytes) else orjson.dumps(event), own)
    producer.flush()
    producer.close()
