"""Apache Kafka in KRaft mode: one node or several, each a process."""

import base64
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from engine.dev.kafka.install import installed_jars, java
from engine.dev.pages import free_port
from engine.errors import BrokerError

_START_TIMEOUT_S = 120.0
_POLL_S = 0.05
_JVM = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.min.cleanable.ratio": "0.01",
}


class KafkaNode:
    """One broker and controller. `port`: where clients reach it."""

    def __init__(self, number: int, directory: Path) -> None:
        self.number, self.port, self._controller, self._internal = number, free_port(), free_port(), free_port()
        self._directory = directory / str(number)
        self._directory.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def voter(self) -> str:
        """Its part in the controllers' quorum."""
        return f"{self.number}@127.0.0.1:{self._controller}"

    @property
    def pid(self) -> int | None:
        """Of its process, while it runs."""
        return self._process.pid if self._process is not None else None

    def prepare(self, voters: str, nodes: int, protocol: str, more: Mapping[str, str]) -> Path:
        """Write its settings; returns their file."""
        copies = min(3, nodes)
        settings = {
            **_SETTINGS,
            "node.id": str(self.number),
            "controller.quorum.voters": voters,
            "listeners": ",".join((
                f"CLIENT://{self.address}", f"INTERNAL://127.0.0.1:{self._internal}",
                f"CONTROLLER://127.0.0.1:{self._controller}",
            )),
            "listener.security.protocol.map": f"CLIENT:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._directory / "data"),
            "offsets.topic.replication.factor": str(copies),
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(max(1, copies - 1)),
            "min.insync.replicas": str(max(1, copies - 1)),
            **more,
        }  # fmt: skip
        path = self._directory / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def start(self) -> None:
        """Start the process; `wait_until_up` tells when it answers."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_command(), "kafka.Kafka", str(self._directory / "server.properties")], cwd=self._directory,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def wait_until_up(self) -> None:
        """Until clients can connect. Raises BrokerError with the log's end."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(_POLL_S)
        raise BrokerError(f"Kafka did not start:\n{(self._directory / 'log').read_text('utf-8', 'replace')[-2000:]}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class KafkaCluster:
    """A cluster on loopback, with its data in a temporary directory. A context manager."""

    def __init__(
        self, nodes: int = 1, protocol: str = "PLAINTEXT", more: Mapping[str, str] | None = None,
        scram: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._directory = Path(tempfile.mkdtemp(prefix="floodgate-kafka-"))
        self.nodes = [KafkaNode(number, self._directory) for number in range(1, nodes + 1)]
        try:
            self._format(protocol, more or {}, scram or {})
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.wait_until_up()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """Of all nodes, as the setting `brokers` has them."""
        return ",".join(node.address for node in self.nodes)

    def __enter__(self) -> "KafkaCluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all nodes and remove their data."""
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError):
                node.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _format(self, protocol: str, more: Mapping[str, str], scram: Mapping[str, str]) -> None:
        voters = ",".join(node.voter for node in self.nodes)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        users = [word for name, password in scram.items()
                 for word in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")]  # fmt: skip
        running = []
        for node in self.nodes:
            path = node.prepare(voters, len(self.nodes), protocol, more)
            tool = [*_command(), "kafka.tools.StorageTool", "format"]
            command = [*tool, f"--cluster-id={cluster}", "-c", str(path), *users]  # an id may begin with a dash
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        for process in running:
            output, _ = process.communicate(timeout=_START_TIMEOUT_S)
            if process.returncode != 0:
                raise BrokerError(f"Kafka's storage could not be made: {output[-1000:]}")


def _command() -> list[str]:
    return [java(), *_JVM, "-cp", f"{installed_jars()}/*"]
