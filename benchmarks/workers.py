"""One worker and two, on Apache Kafka, where Maven can fetch it: how much faster two are while both have work."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

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
_TIMEOUT_S, _POLL_S = 60.0, 0.5
_SETTLED_S = 10.0
_STEADY = (0.05, 0.75)
"""From when so much of the events is decided until so much is: the rulebook is in use by then, and no worker has come
to the end of its partitions, which never hold exactly as much as another's."""


class Run(NamedTuple):
    """What so many workers have done: while all of them had work, and from the first event to the last."""

    events_per_s: float
    whole_events_per_s: float
    cpu_us_per_event: float
    broker_us_per_event: float


def workers(console: Console, rounds: int) -> dict[str, Any]:
    """Events per second with one worker and with two; empty where it cannot be measured, which is said."""
    try:
        installed_jars()
        java()
    except KafkaMissingError as error:
        console.print(f"[yellow]skipped: one worker and two on Apache Kafka: {error}[/]")
        return {}
    stream = list(events(COUNT))
    rulebook = benchmark_rules()
    work = Work(rulebook, stream, published(trained(rulebook, stream[:2_000])))
    found = [{count: _run(count, work) for count in (1, 2)} for _ in range(rounds)]
    table = Table(
        "workers", "events/s", "with start and end", "workers' CPU µs/event", "broker's CPU µs/event",
        title="on Apache Kafka",
    )  # fmt: skip
    for count, run in (entry for one in found for entry in one.items()):
        table.add_row(
            str(count), f"{run.events_per_s:,.0f}", f"{run.whole_events_per_s:,.0f}", f"{run.cpu_us_per_event:.1f}",
            f"{run.broker_us_per_event:.1f}",
        )  # fmt: skip
    console.print(table)
    ratios = [round(one[2].events_per_s / one[1].events_per_s, 2) for one in found]
    whole = [round(one[2].whole_events_per_s / one[1].whole_events_per_s, 2) for one in found]
    console.print(
        f"two workers: {ratios} times, {WANTED} wanted; with start and end {whole}; the broker works on the same cores"
    )
    return {
        "runs": [{str(count): run._asdict() for count, run in one.items()} for one in found],
        "ratio": statistics.median(ratios), "whole_ratio": statistics.median(whole),
    }  # fmt: skip


def _run(count: int, work: Work) -> Run:
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
        seen = _watch(ports, len(work.stream))
        ended_s, decided = seen[-1]
        return Run(
            round(_steady(seen, len(work.stream))), round(decided / (ended_s - started)),
            round((sum(map(cpu_seconds, processes)) - before) / decided * 1e6, 2),
            round((cpu_seconds(broker) - broker_before) / decided * 1e6, 2),
        )  # fmt: skip


def _watch(ports: Sequence[int], count: int) -> list[tuple[float, float]]:
    """When how many events were decided, until all are."""
    deadline, seen = time.monotonic() + _TIMEOUT_S, list[tuple[float, float]]()
    while not seen or seen[-1][1] < count:
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(_POLL_S)
        decided = sum(metric_sum(read_page(port, "/metrics"), EVENTS) for port in ports)
        seen.append((time.perf_counter(), decided))
    return seen


def _steady(seen: Sequence[tuple[float, float]], count: int) -> float:
    """Events per second between the first and the last of what was seen while all workers had work."""
    early, late = (share * count for share in _STEADY)
    within = [one for one in seen if early <= one[1] <= late]
    if len(within) < 2:
        raise RuntimeError("the workers were done before it could be seen how fast they are")
    (began_s, before), (ended_s, after) = within[0], within[-1]
    return (after - before) / (ended_s - began_s)
