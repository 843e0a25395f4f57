"""A whole system for integration tests: a broker, workers as processes, and an offline oracle."""

import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import orjson
import psutil
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from engine.core.series.windows import SumSeries
from engine.core.state.entities import NEVER
from engine.core.state.records import dump_record, load_record
from engine.dev.broker.process import READY
from engine.dev.pages import free_ports, metric_sum, read_page
from engine.dev.system import FOR_GOOD_DAYS
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings, TopicNames
from engine.state.store import ENTITY, USER
from engine.stream.admin.publishing import Publisher
from engine.stream.handlers.messages import encode_rulebook
from engine.stream.kafka.clients import admin, options
from engine.stream.kafka.topics import changelog_topic, create_topics, topic_specs
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests import forks
from tests.kernels import entries_by_key, times_by_key

RULEBOOKS = Path(__file__).parent / "rulebooks"


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 180) -> Any:
    """Poll a condition until it holds; its value."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        pause.wait(0.05)
    raise AssertionError(f"gave up waiting until {what}")


def led_partitions(client: KafkaAdminClient, topics: list[str]) -> int:
    """So many partitions of some topics have a leader: Kafka says that a topic is created before that."""
    described = [partition for topic in client.describe_topics(topics) for partition in topic["partitions"]]
    return sum(not one["error_code"] and one["leader_id"] >= 0 for one in described)


class WorkerProcess:
    """`floodgate worker` as a process of its own; as a supervisor of `processes`, where there are several."""

    def __init__(
        self, settings: Settings, directory: Path, name: str, port: int, faults: str = "", instance_id: str = "",
        processes: int = 1, options: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.name = name
        self._options = options
        self._faults = faults
        self._processes = processes
        self._directory = directory
        self._environment = {
            **os.environ,
            "FLOODGATE_DATA_DIR": str(directory / name),
            "FLOODGATE_WEB_PORT": str(port),
            "FLOODGATE_INSTANCE_ID": instance_id,
        }
        self.config = directory / f"{name}.settings.json"
        """Its own: one that starts would find that of another half written."""
        self.configure(settings)
        self.port = port
        self._process = self._start()

    def configure(self, settings: Settings) -> None:
        """From its next start on."""
        self.config.write_bytes(msgspec.json.encode(settings))

    def _start(self) -> forks.Forked:
        with (self._directory / f"{self.name}.log").open("ab") as log:
            module = "tests.chaos.faulty_worker" if self._faults else "engine.cli"
            environment = {**self._environment, "FAULTS": self._faults}
            arguments = ["worker", "--config", str(self.config), "--processes", str(self._processes)]
            arguments += self._options
            return forks.start(module, arguments, environment, log, log)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has logged."""
        return (self._directory / f"{self.name}.log").read_text("utf-8", "replace")

    @property
    def troubles(self) -> str:
        """The errors among it, each cut short. What a worker does last is to stop: why, stands before."""
        serious = ('"level": "error"', '"level": "critical"')
        return "".join(f"{line[:600]}\n" for line in self.log.splitlines() if any(one in line for one in serious))

    @property
    def reason(self) -> str:
        """Why it has ended, in one line. Its clients have threads, which may log something behind that."""
        return next(line for line in reversed(self.log.splitlines()) if line.startswith("floodgate: "))

    def get(self, path: str) -> str:
        """A page of its web server; empty while it is not up."""
        return read_page(self.port, path)

    def ready(self) -> bool:
        """Whether it decides events."""
        assert self._process.poll() is None, f"{self.name} ended by itself:\n{self.log[-3000:]}"
        return '"ready"' in self.get("/readyz")

    def waiting_for(self) -> list[str]:
        """What it says that it waits for, in the answer that says that it is not ready."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=30).close()
        except urllib.error.HTTPError as error:
            with error:
                found: list[str] = orjson.loads(error.read())["waiting_for"]
                return found
        return []

    def rulebook(self) -> str:
        """The id of the rulebook in use."""
        page = self.get("/readyz")
        return str(orjson.loads(page)["rulebook"]) if page else ""

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return metric_sum(self.get("/metrics"), name)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def pause(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """From now on each write to a file fails, as on a full disk, until it is started again."""
        psutil.Process(self._process.pid).rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))

    def is_stopped(self) -> bool:
        """Whether SIGSTOP has stopped it."""
        return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED

    def restart(self, faults: str = "") -> None:
        """Start again on the same disk."""
        self._faults = faults
        self._process = self._start()

    def wait_until_ended(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait(120)

    def stop(self, timeout_s: float = 90) -> int:
        """SIGTERM; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


class ForkedBroker:
    """An embedded broker as a process of its own, as `BrokerProcess`."""

    def __init__(self, *options: str) -> None:
        reading, writing = os.pipe()
        self._said = os.fdopen(reading, encoding="utf-8")
        with os.fdopen(writing, "wb") as out, os.fdopen(2, "wb", closefd=False) as err:
            self._process = forks.start("engine.cli", ["broker", "--port", "0", *options], os.environ, out, err)
        line = self._said.readline()
        if not line.startswith(READY):
            self.stop()
            raise RuntimeError(f"the broker did not start: {line!r}")
        self.address = line.removeprefix(READY).split()[0]

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self._process.kill()
        self._process.wait()
        self._said.close()


class System:
    """Broker, topics and workers; a context manager that ends them all."""

    def __init__(self, directory: Path, given: str | None = None, **settings: Any) -> None:
        self.directory = directory
        self._broker = None if given else ForkedBroker("--retention-mb", "0")
        small: dict[str, Any] = {
            "partitions": 4,
            "batch_max_events": 100,
            "session_timeout_ms": 6_000 if given else 3_000,  # Kafka gives transactional ids within that, or never
            "commit_interval_ms": 300,
            "retention_days": {"events": FOR_GOOD_DAYS},
            "brokers": self._broker.address if self._broker else given,
        }
        if given:  # a broker that is shared: names of our own
            suffix = uuid.uuid4().hex[:8]
            small["app_id"] = f"floodgate-{suffix}"
            small["topics"] = {name: f"{name}-{suffix}" for name in TopicNames.__struct_fields__}
        self.settings = msgspec.convert({**small, **settings}, Settings)
        create_topics(self.settings)
        if given:
            self._wait_for_leaders()
        self.workers: list[WorkerProcess] = []
        self._lag_consumer: KafkaConsumer | None = None

    def __enter__(self) -> "System":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.kill()
        self.forget_lag_consumer()
        if self._broker is not None:
            self._broker.stop()
        if kind is not None:
            for worker in self.workers:
                print(f"--- {worker.name}\n{worker.troubles}{worker.log[-2000:]}")  # noqa: T201  # shown by pytest

    def _wait_for_leaders(self) -> None:
        specs = topic_specs(self.settings)
        names, count = [spec.name for spec in specs], sum(spec.partitions for spec in specs)
        with admin(self.settings) as client:
            wait_until(lambda: led_partitions(client, names) == count, "all topics have leaders")

    def stop_broker(self) -> None:
        """It goes away, and does not come back."""
        assert self._broker is not None
        self.forget_lag_consumer()  # it would go on connecting, and kafka-python leaves those sockets open
        self._broker.stop()

    def wait_until_ready(self) -> None:
        """Until all workers are at the same time: each that joins takes something from the others, which are not."""
        wait_until(lambda: all(worker.ready() for worker in self.workers), "all workers are ready")

    def push_rules(self, path: Path) -> None:
        """Publish a rulebook as the policy team does."""
        self.run("rules", "push", str(path), "--force", "--yes")

    def publish_rulebook(self, sources: dict[str, str], for_app: str | None = None) -> None:
        """Put a rulebook onto the topic unchecked, as no one should."""
        producer = KafkaProducer(**options(self.settings))
        message = encode_rulebook(sources, "unchecked", "someone", "", 0)
        headers = [("app_id", for_app.encode())] if for_app is not None else []
        producer.send(
            self.settings.topics.rulebooks, key=b"version/1-unchecked", value=message, partition=0, headers=headers
        ).get(timeout=60)
        producer.close()

    def run(self, *arguments: str) -> str:
        """A floodgate command against this system; its output."""
        return self.ran(*arguments).stdout

    def ran(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A floodgate command against this system, which has done what it should."""
        return forks.run("engine.cli", arguments, self.environment(), check=True)

    def status(self) -> str:
        """What `floodgate status` tells. It fails as long as anything is wrong, as where a busy worker has not answered
        in time."""
        return forks.run("engine.cli", ["status"], self.environment()).stdout

    def environment(self) -> dict[str, str]:
        """In which commands are about this system."""
        environment = {f"FLOODGATE_TOPICS__{name.upper()}": topic
                       for name, topic in msgspec.structs.asdict(self.settings.topics).items()}  # fmt: skip
        security = msgspec.structs.asdict(self.settings.security)
        environment |= {f"FLOODGATE_SECURITY__{name.upper()}": value for name, value in security.items() if value}
        if self.settings.privacy.key_file:
            environment["FLOODGATE_PRIVACY__KEY_FILE"] = self.settings.privacy.key_file
        environment["COLUMNS"] = "200"
        environment["FLOODGATE_BROKERS"] = self.settings.brokers
        environment["FLOODGATE_APP_ID"] = self.settings.app_id
        environment["FLOODGATE_GROUP"] = self.settings.group
        environment["FLOODGATE_PARTITIONS"] = str(self.settings.partitions)
        environment["FLOODGATE_STATE_GENERATION"] = str(self.settings.state_generation)
        return {**os.environ, **environment}

    def start_worker(
        self, name: str, faults: str = "", instance_id: str = "", processes: int = 1, options: Sequence[str] = ()
    ) -> WorkerProcess:
        """One more worker, with a disk and a port of its own; or several under a supervisor. `options`: further ones of
        the command."""
        port = free_ports(1 + processes)
        worker = WorkerProcess(self.settings, self.directory, name, port, faults, instance_id, processes, options)
        self.workers.append(worker)
        return worker

    def publish(self, events: Iterable[bytes], labels: Iterable[bytes] = ()) -> None:
        """Publish events, then labels."""
        with Publisher(self.settings) as publisher:
            for event in events:
                publisher.event(event, remember=True)
            publisher.flush()
            for label in labels:
                publisher.label(label)

    def send(self, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """One record as it is given."""
        producer = KafkaProducer(**options(self.settings))
        producer.send(topic, key=key, value=value, headers=headers).get(timeout=60)
        producer.close()

    def read(self, topic: str) -> list[Any]:
        """Every record of a topic, now."""
        consumer = KafkaConsumer(**options(self.settings), enable_auto_commit=False)
        try:
            tps = [TopicPartition(topic, index) for index in sorted(consumer.partitions_for_topic(topic) or ())]
            consumer.assign(tps)
            ends = consumer.end_offsets(tps)
            consumer.seek_to_beginning(*tps)
            found: list[Any] = []
            while any(consumer.position(tp) < ends[tp] for tp in tps):
                for records in consumer.poll(timeout_ms=200).values():
                    found += records
            return found
        finally:
            consumer.close()

    def actions(self) -> list[dict[str, Any]]:
        """All published actions."""
        return [orjson.loads(record.value) for record in self.read(self.settings.topics.actions)]

    def lag(self) -> int:
        """Events, and messages of routed events, not yet committed by the group."""
        topics = self.settings.topics
        return self._lag_of(topics.events) or self._lag_of(topics.hops)

    def labels_left(self) -> int:
        """Labels not yet committed by the group."""
        return self._lag_of(self.settings.topics.labels)

    def _lag_of(self, topic: str) -> int:
        if self._lag_consumer is None:
            self._lag_consumer = KafkaConsumer(
                **options(self.settings),
                group_id=self.settings.consumer_group,
                enable_auto_commit=False,
            )
        tps = [TopicPartition(topic, index) for index in range(self.settings.partitions)]
        done = {
            tp: self._lag_consumer.committed(tp, timeout_ms=5_000) or 0 for tp in tps
        }  # before the ends: what is done has sent on
        ends = self._lag_consumer.end_offsets(tps, timeout_ms=5_000)
        return sum(end - done[tp] for tp, end in ends.items())

    def forget_lag_consumer(self) -> None:
        """Ask with a new client the next time."""
        if self._lag_consumer is not None:
            self._lag_consumer.close(autocommit=False)
        self._lag_consumer = None

    def wait_until_lag_below(self, limit: int) -> None:
        """Until the workers have got so far."""
        wait_until(lambda: self.lag() < limit, f"fewer than {limit} events are left")

    def wait_until_decided(self, timeout_s: float = 150) -> None:
        """Until every event is decided and committed."""
        try:
            wait_until(lambda: self.lag() == 0, "all events are committed", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.lag()} are left\n{self._standing()}") from error

    def _standing(self) -> str:
        """How the workers are, in few words: of what a test tells, only the end is kept."""
        told = []
        for worker in self.workers:
            ended = "has ended" if worker.has_ended() else worker.get("/readyz") or "does not answer"
            lines = [line[:200] for line in worker.log.splitlines()[-6:]]
            told.append("\n  ".join([f"{worker.name} {ended}; its last words:", *lines]))
        return "\n".join(told)

    def users(self) -> dict[str, bytes]:
        """The newest state of each user in the changelog, without the source offset."""
        return users_of(self._state())

    def entities(self) -> dict[bytes, Any]:
        """The newest counters of each other entity in the changelog, at their absolute times."""
        return _entities(self._state())

    def _state(self) -> dict[bytes, bytes]:
        newest = {record.key: record.value for record in self.read(changelog_topic(self.settings))}
        return {key: value for key, value in newest.items() if value is not None}


class Oracle:
    """What an undisturbed run must give: the offline engine over the same events."""

    def __init__(self, rulebook: Path, settings: Settings, events: Iterable[bytes]) -> None:
        engine = OfflineEngine(load_rulebook(rulebook), settings)
        messages = list(engine.run(Arrival("event", 0, event) for event in events))
        self.actions = [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]
        self.users = users_of(engine.database.values)
        self.entities = _entities(engine.database.values)

    @property
    def action_ids(self) -> set[str]:
        """The ids of all actions."""
        return {action["action_id"] for action in self.actions}


def users_of(values: "dict[bytes, bytes]") -> dict[str, bytes]:
    """Each user's state, without what differs between runs."""
    found = {}
    for key, value in values.items():
        if key.startswith(USER):
            record = load_record(value)
            record.offset = record.hops = NEVER
            record.links.clear()  # a cluster's label depends on who came first
            record.acted.clear()  # and so does the order in which rules that look back meet events
            found[key.removeprefix(USER).decode()] = dump_record(record)
    return found


def _entities(values: "dict[bytes, bytes]") -> dict[bytes, Any]:
    """What the counters of shared entities hold. Which of their events came first differs between runs: times
    are absolute, equal times sorted, and what is said about events long gone is left out."""
    found = {}
    for key, value in values.items():
        if key.startswith(ENTITY):
            record = load_record(value)
            if not record.series:
                continue  # what is known of clusters alone: their labels depend on who came first
            counted = {series_key: [times] for series_key, times in times_by_key(record.series.counts).items()}
            sums = {
                key: (one.times, one.amounts) for key, one in record.series.others.items() if isinstance(one, SumSeries)
            }
            entries = {key: list(zip(*columns, strict=True)) for key, columns in (counted | sums).items()}
            found[key] = {
                series_key: sorted((record.base_ms + time, *rest) for time, *rest in found_there)
                for series_key, found_there in (entries | entries_by_key(record.series.distincts)).items()
            }
    return found
