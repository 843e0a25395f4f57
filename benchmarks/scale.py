"""How the work grows with workers and partitions: messages, bytes and CPU of each event, for the model in
docs/operators/growth.md."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.engine import Work, send
from benchmarks.measure import EVENTS, TIMEOUT_S, cpu_seconds, running_engine
from benchmarks.starter import starter_work
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port, metric_sum, read_page
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.records import read_all
from engine.stream.kafka.topics import TABLE, create_topics

WORKERS, PARTITIONS = (1, 2, 4), (4, 16, 64)
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Growth:
    """Of each event: workers' CPU, batches, messages and bytes, those of the changelog apart."""

    workers: int
    partitions: int
    cpu_us: float
    batches: float
    messages: float
    bytes: float
    changes: float
    changelog_bytes: float


def scale(console: Console) -> dict[str, Any]:
    """The grid of workers and partitions, under the starter rules."""
    work, rows = starter_work(), list[Growth]()
    table = Table("workers", "partitions", "CPU µs", "batches", "messages", "bytes", "changes", "their bytes",
                  title="for each event, starter rules")  # fmt: skip
    for partitions in PARTITIONS:
        for workers in WORKERS:
            row = _run(work, workers, partitions)
            rows.append(row)
            console.print(row)
            table.add_row(
                str(workers), str(partitions), f"{row.cpu_us:.0f}", f"{row.batches:.4f}", f"{row.messages:.2f}",
                f"{row.bytes:.0f}", f"{row.changes:.2f}", f"{row.changelog_bytes:.0f}",
            )  # fmt: skip
    console.print(table)
    return {"rows": [asdict(row) for row in rows]}


def _run(work: Work, count: int, partitions: int) -> Growth:
    with BrokerProcess("--retention-mb", "0") as broker, ExitStack() as stack:
        settings = Settings(brokers=broker.address, partitions=partitions, standby_replicas=0)
        create_topics(settings)
        send(settings, settings.topics.events, work.stream)
        ports = [free_port() for _ in range(count)]
        running = [stack.enter_context(running_engine(settings, port, page="/healthz")) for port in ports]
        _wait_until(lambda: _assigned(ports, settings.topics.events) == partitions)
        processes = [psutil.Process(worker.pid) for worker in running]
        before = sum(map(cpu_seconds, processes))
        publish_rulebook(settings, work.rulebook, "bench", "")  # without one they wait
        events = len(work.stream)
        _wait_until(lambda: _sum(ports, EVENTS) >= events and _sum(ports, "floodgate_lag") == 0)
        cpu_s, batches = sum(map(cpu_seconds, processes)) - before, _sum(ports, "floodgate_batches_total")
        topics = settings.topics
        sent = _sizes(settings, topics.hops, topics.actions, topics.decisions, topics.review, topics.examples)
        changes = _sizes(settings, f"{settings.app_id}-{TABLE}-changelog")
        return Growth(
            workers=count, partitions=partitions, cpu_us=cpu_s / events * 1e6, batches=batches / events,
            messages=len(sent) / events, bytes=sum(sent) / events, changes=len(changes) / events,
            changelog_bytes=sum(changes) / events,
        )  # fmt: skip


def _sizes(settings: Settings, *topics: str) -> list[int]:
    records = (record for topic in topics for record in read_all(settings, topic))
    return [len(record.key or b"") + len(record.value or b"") for record in records]


def _sum(ports: list[int], metric: str) -> float:
    return sum(metric_sum(read_page(port, "/metrics"), metric) for port in ports)


def _assigned(ports: list[int], topic: str) -> int:
    """How many partitions of a topic the workers have in all."""
    lines = (line for port in ports for line in read_page(port, "/metrics").splitlines())
    return sum(line.startswith("floodgate_lag{") and f'topic="{topic}"' in line for line in lines)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(_POLL_S)
