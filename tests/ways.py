"""The processes of the ways in and out: `floodgate intake`, `deliver` and `export`."""

import os
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow.parquet as pq
from kafka import KafkaProducer
from kafka.admin import NewTopic

from engine.dev.pages import free_port, metric_sum, read_page
from engine.settings import Settings
from engine.stream.kafka.clients import admin, options
from tests import forks
from tests.receiver import Receiver
from tests.system import System, led_partitions, wait_until


class Intake:
    """`floodgate intake` as a process."""

    def __init__(self, system: System, registry: str, sources: dict[str, Any]) -> None:
        self.port, self._directory, self.system = free_port(), system.directory, system
        own = {"sources": sources, "registry": registry, "port": self.port}
        settings = msgspec.convert(msgspec.to_builtins(system.settings) | {"intake": own}, Settings)
        self._config = system.directory / "intake.json"
        self._config.write_bytes(msgspec.json.encode(settings))
        with admin(system.settings) as client:
            topics = [source["topic"] for source in sources.values()]
            client.create_topics([NewTopic(topic, 2, 1) for topic in topics])
            wait_until(lambda: led_partitions(client, topics) == 2 * len(topics), "the producers' topics have leaders")
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        arguments = ["intake", "--config", str(self._config)]
        with (self._directory / "intake.log").open("ab") as log:
            self._process = forks.start("engine.cli", arguments, os.environ, log, log)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return metric_sum(read_page(self.port, "/metrics"), name)

    def events(self) -> list[dict[str, Any]]:
        """What is on `events`."""
        return [orjson.loads(record.value) for record in self.system.read(self.system.settings.topics.events)]

    def letters(self) -> dict[str, bytes]:
        """Dead letters: the bytes by reason."""
        found = self.system.read(self.system.settings.topics.dead_letters)
        return {dict(record.headers)["reason"].decode(): record.value for record in found}


def send(system: System, topic: str, values: list[bytes], headers: Any = None) -> None:
    """Publish what a producer writes."""
    producer = KafkaProducer(**options(system.settings))
    for value in values:
        producer.send(topic, value, b"any key", headers=headers or [])
    producer.flush()
    producer.close()


class Deliverer:
    """`floodgate deliver` as a process."""

    def __init__(self, system: System, receiver: Receiver, **more: Any) -> None:
        self.port, self._directory = free_port(), system.directory
        own = {
            "receivers": {
                "posts": {
                    "url": receiver.url, "secret_file": str(system.directory / "receiver.key"),
                    "first_retry_ms": 20, "longest_retry_s": 0.2, "timeout_s": 30, **more,
                }
            },
            "store": str(system.directory / "delivery.db"), "port": self.port,
        }  # fmt: skip
        documents = msgspec.to_builtins(system.settings) | {"delivery": own}
        self.settings = msgspec.convert(documents, Settings)
        self.config = system.directory / "deliver.json"
        self.config.write_bytes(msgspec.json.encode(self.settings))
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        with (self._directory / "deliver.log").open("ab") as log:
            self._process = forks.start("engine.cli", ["deliver", "--config", str(self.config)], os.environ, log, log)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return metric_sum(read_page(self.port, "/metrics"), name)

    def run(self, *arguments: str, code: int = 0) -> str:
        """One of its commands; what it prints."""
        given = ["deliver", "--config", str(self.config), *arguments]
        ran = forks.run("engine.cli", given, {**os.environ, "COLUMNS": "200"})
        assert ran.returncode == code, ran.stdout + ran.stderr
        return str(ran.stdout)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(90)


class Exporting:
    """`floodgate export` as a process, or once."""

    def __init__(self, system: System, **own: Any) -> None:
        self.port, self._directory = free_port(), system.directory
        export = {"to": str(system.directory / "warehouse"), "port": self.port, **own}
        self.to = Path(export["to"])
        settings = msgspec.convert(msgspec.to_builtins(system.settings) | {"export": export}, Settings)
        self._config = system.directory / "export.json"
        self._config.write_bytes(msgspec.json.encode(settings))

    def start(self) -> None:
        """Start it, or start it again."""
        arguments = ["export", "--config", str(self._config)]
        with (self._directory / "export.log").open("ab") as log:
            self._process = forks.start("engine.cli", arguments, os.environ, log, log)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def run(self, *options: str, code: int = 0) -> str:
        """The command, until it ends."""
        ran = forks.run("engine.cli", ["export", "--config", str(self._config), *options], os.environ)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout

    def files(self) -> list[Path]:
        """What is there."""
        return sorted(self.to.glob("*/*/*/*.parquet"))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows, as pyarrow reads them, by partition and offset."""
        found = [
            row for path in self.to.glob(f"{table}/*/*/*.parquet") for row in pq.ParquetFile(path).read().to_pylist()
        ]
        return sorted(found, key=lambda row: (row["kafka_partition"], row["kafka_offset"]))


def by_target(actions: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The ids of each target, in order, each once."""
    ids: dict[str, dict[str, None]] = defaultdict(dict)
    for action in actions:
        ids[action["target"]["id"]].setdefault(action["action_id"])
    return {target: list(some) for target, some in ids.items()}
