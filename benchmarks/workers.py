"""One worker and two, on Apache Kafka, where Maven can fetch it: how much faster two are."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.engine import Work, benchmark_rules, published, send, trained
from benchmarks.measure import EVENTS, cpu_seconds, running_engine
from benchmarks.workload import events
from engine.dev.kafka.cluster import KafkaCluster
from engine.dev.kafka.install import installed_jars, java
from engine.dev.pages import free_port, metric_sum, read_page
from engine.dev.system import FOR_GOOD_DAYS
from engine.errors import KafkaMissingError
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.topics import create_topics

COUNT = 400_000
WANTED = 1.8
_TIMEOUT_S = 60.0
_SETTLED_S = 10.0


def workers(console: Console) -> dict[str, Any]:
    """Events per second with one worker and with two, from when all partitions are assigned; empty where it cannot be
    measured, which is said."""
    try:
        installed_jars()
        java()
    except KafkaMissingError as error:
        console.print(f"[yellow]skipped: one worker and two on Apache Kafka: {error}[/]")
        return {}
    stream = list(events(COUNT))
    rulebook = benchmark_rules()
    work = Work(rulebook, stream, published(trained(rulebook, stream[:2_000])))
    found = {count: _run(count, work) for count in (1, 2)}
    table = Table("workers", "events/s", "workers' CPU µs/event", "broker's CPU µs/event", title="on Apache Kafka")
    for count, run in found.items():
        table.add_row(
            str(count),
            f"{run['events_per_s']:,.0f}",
            f"{run['cpu_us_per_event']:.1f}",
            f"{run['broker_us_per_event']:.1f}",
        )
    console.print(table)
    ratio = found[2]["events_per_s"] / found[1]["events_per_s"]
    console.print(f"two workers: {ratio:.2f} times, {WANTED} wanted; the broker works on the same cores")
    return {"runs": {str(count): run for count, run in found.items()}, "ratio": round(ratio, 2)}


def _run(count: int, work: Work) -> dict[str, float]:
    with KafkaCluster() as cluster, ExitStack() as stack:
        broker = psutil.Process(cluster.nodes[0].pid)
        settings = Settings(
            brokers=cluster.address, partitions=8, standby_replicas=0, retention_days={"events": FOR_GOOD_DAYS}
        )
        create_topics(settings)
        send(settings, settings.topics.models, work.model)
        send(settings, settings.topics.events, work.stream)
        ports = [free_port() for _ in range(count)]
        running = [stack.enter_context(running_engine(settings, port, page="/healthz")) for port in ports]
        time.sleep(_SETTLED_S)  # the partitions are shared out by then
        processes = [psutil.Process(worker.pid) for worker in running]
        before, broker_before = sum(map(cpu_seconds, processes)), cpu_seconds(broker)
        started = time.perf_counter()
        publish_rulebook(settings, work.rulebook, "bench", "")
        _wait(lambda: sum(metric_sum(read_page(port, "/metrics"), EVENTS) for port in ports) >= len(work.stream))
        busy, events_decided = time.perf_counter() - started, len(work.stream)
        return {
            "events_per_s": round(events_decided / busy),
            "cpu_us_per_event": round((sum(map(cpu_seconds, processes)) - before) / events_decided * 1e6, 2),
            "broker_us_per_event": round((cpu_seconds(broker) - broker_before) / events_decided * 1e6, 2),
        }


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(0.1)
