"""What a worker costs where little comes: the rules that the project ships, a few hundred events a second, two workers
on Apache Kafka and one on the embedded broker; and with no events at all."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import msgspec
import orjson
import psutil
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.engine import Stream
from benchmarks.measure import EVENTS, cpu_seconds, running_engine
from benchmarks.starter import RULES, starter_work
from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.dev.kafka.install import installed_jars, java
from engine.dev.pages import free_port, metric_sum, read_page
from engine.dev.system import FOR_GOOD_DAYS
from engine.errors import KafkaMissingError, TopicError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.topics import check_topics, create_topics

RATE = 340
"""Events a second."""
LIMIT_MS, LIMIT_PERCENT = 0.7, 12.0
"""What an event may cost, and each of two workers, in CPU."""

_SECONDS, _WARM_UP_S, _IDLE_S, _SETTLED_S, _PATIENCE_S = 30.0, 4.0, 10.0, 6.0, 120.0
_FROM = 20_000  # midday


class Trickle(NamedTuple):
    """What was seen: CPU of each worker with and without events, and how long actions took."""

    percent: list[float]
    idle_percent: list[float]
    ms_per_event: float
    batches_per_event: float
    p50_ms: float
    p99_ms: float


def trickle(console: Console, rounds: int = 1) -> dict[str, Any]:
    """The table and the summary's part."""
    table = Table(
        "", "CPU of each, %", "without events, %", "CPU ms/event", "batches/event", "to action p50", "p99, ms",
        title=f"starter rules, {RATE} events/s",
    )  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    kinds = {"embedded broker, one worker": (False, 1), "Apache Kafka, two workers": (True, 2)}
    for _ in range(rounds):
        for name, (on_kafka, workers) in kinds.items():
            if on_kafka and not has_kafka(console):
                continue
            seen = run(on_kafka, workers)
            found.setdefault(name, []).append(seen._asdict())
            each, idle = (" ".join(f"{value:.1f}" for value in values) for values in (seen.percent, seen.idle_percent))
            table.add_row(
                name, each, idle, f"{seen.ms_per_event:.2f}", f"{seen.batches_per_event:.2f}",
                f"{seen.p50_ms:.0f}", f"{seen.p99_ms:.0f}",
            )  # fmt: skip
    console.print(table)
    console.print(f"on Apache Kafka {LIMIT_PERCENT:.0f} % of each and {LIMIT_MS} ms for each event are wanted")
    return found


def run(on_kafka: bool, workers: int, rate: int = RATE, **more: object) -> Trickle:
    """So many workers at this rate. `more`: settings of theirs."""
    stream = starter_work().stream[_FROM : _FROM + int(rate * (_SECONDS + _WARM_UP_S))]
    with broker(on_kafka) as address, ExitStack() as stack:
        made = Settings(
            brokers=address, partitions=8, standby_replicas=0, retention_days={"events": FOR_GOOD_DAYS}
        )  # fmt: skip
        settings = msgspec.structs.replace(made, **more)
        create_topics(settings)
        wait_for_topics(settings)
        ports = [free_port() for _ in range(workers)]
        running = [stack.enter_context(running_engine(settings, port, page="/healthz")) for port in ports]
        publish_rulebook(settings, load_rulebook(RULES), "bench", "")
        for port in ports:
            wait_until_ready(port)
        time.sleep(_SETTLED_S)  # the partitions are shared out by then
        processes = [psutil.Process(worker.pid) for worker in running]
        idle = _percent(processes, _IDLE_S)
        sent: dict[str, float] = {}
        feeder = threading.Thread(target=_feed, args=(settings, stream, rate, sent))
        watcher = _Watcher(settings, sent)
        watcher.start()
        feeder.start()
        time.sleep(_WARM_UP_S)
        before, started, cpu_before = _metrics(ports), time.perf_counter(), list(map(cpu_seconds, processes))
        feeder.join()
        taken, cpu = time.perf_counter() - started, list(map(cpu_seconds, processes))
        after = _metrics(ports)
        time.sleep(1.0)
        delays = watcher.stop(started)
        used = [late - early for early, late in zip(cpu_before, cpu, strict=True)]
        events, batches = (late - early for early, late in zip(before, after, strict=True))
        return Trickle(
            [round(100 * one / taken, 1) for one in used], idle, round(1e3 * sum(used) / events, 3),
            round(batches / events, 2), round(delays[len(delays) // 2], 1), round(delays[len(delays) * 99 // 100], 1),
        )  # fmt: skip


def has_kafka(console: Console) -> bool:
    """Whether Apache Kafka can be run here; else that is said."""
    try:
        installed_jars()
        java()
    except KafkaMissingError as error:
        console.print(f"[yellow]skipped: Apache Kafka: {error}[/]")
        return False
    return True


@contextmanager
def broker(on_kafka: bool) -> Iterator[str]:
    """The address of one, which is there within it."""
    if on_kafka:
        with KafkaCluster() as cluster:
            yield cluster.address
    else:
        with BrokerProcess("--retention-mb", "0") as broker:
            yield broker.address


def wait_for_topics(settings: Settings) -> None:
    """Until clients are told of all topics: Kafka makes them in its own time."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with suppress(TopicError):
            return check_topics(settings)
        if time.monotonic() > deadline:
            raise RuntimeError("the topics do not come into being")
        time.sleep(0.1)


def wait_until_ready(port: int) -> None:
    """Until a worker has its partitions."""
    deadline = time.monotonic() + _PATIENCE_S
    while not read_page(port, "/readyz"):
        if time.monotonic() > deadline:
            raise RuntimeError("a worker does not become ready")
        time.sleep(0.1)


def _percent(processes: Sequence[psutil.Process], seconds: float) -> list[float]:
    before = list(map(cpu_seconds, processes))
    time.sleep(seconds)
    return [round(100 * (cpu_seconds(one) - was) / seconds, 1) for one, was in zip(processes, before, strict=True)]


def _metrics(ports: Sequence[int]) -> list[float]:
    pages = [read_page(port, "/metrics") for port in ports]
    return [sum(metric_sum(page, name) for page in pages) for name in (EVENTS, "floodgate_batches_total")]


def _feed(settings: Settings, stream: Stream, rate: int, sent: dict[str, float]) -> None:
    client = Producer({"bootstrap.servers": settings.brokers, "linger.ms": 1, "partitioner": "murmur2_random"})
    started = time.perf_counter()
    for index, (key, value) in enumerate(stream):
        ahead_s = started + index / rate - time.perf_counter()
        if ahead_s > 0.001:
            client.poll(0)
            time.sleep(ahead_s)
        event = orjson.loads(value)
        sent.setdefault(event["event_id"], time.perf_counter())
        client.produce(settings.topics.events, value=value, key=key, timestamp=event["ts"])
    client.flush()


class _Watcher(threading.Thread):
    """Notes how long it took from an event to each action on it."""

    def __init__(self, settings: Settings, sent: dict[str, float]) -> None:
        super().__init__()
        self._settings, self._sent, self._is_over = settings, sent, False
        self._found: list[tuple[float, float]] = []

    def run(self) -> None:
        """Until `stop`."""
        settings = self._settings
        consumer = KafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=50
        )
        consumer.assign([TopicPartition(settings.topics.actions, index) for index in range(settings.partitions)])
        while not self._is_over:
            for records in consumer.poll(timeout_ms=100).values():
                now = time.perf_counter()
                for record in records:
                    action = orjson.loads(record.value)
                    if not action.get("earlier") and action["event_id"] in self._sent:
                        self._found.append((self._sent[action["event_id"]], now))
        consumer.close()

    def stop(self, since: float) -> list[float]:
        """End. The delays of the events since then in milliseconds, the shortest first."""
        self._is_over = True
        self.join()
        delays = sorted((came - went) * 1e3 for went, came in self._found if went >= since)
        if not delays:
            raise RuntimeError("no action came back")
        return delays
