"""One worker and two, on Apache Kafka, where Maven can fetch it: how much faster two are."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.engine import Work, benchmark_rules, published, send, trained
from benchmarks.measure import EVENTS, cpu_seconds, running_engine
from benchmarks.workload import events
from engine.dev.pages import free_port, metric_sum, read_page
from engine.settings import Settings
from engine.stream.publishing import publish_rulebook
from engine.stream.topics import create_topics

COUNT = 400_000
WANTED = 1.8
HOME = Path(__file__).parent / "out" / "kafka"
_TIMEOUT_S = 60.0
_SETTLED_S = 10.0
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>kafka</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>{}</dependencies></project>"""
_JARS = (
    ("org.apache.kafka", "kafka_2.13", "4.1.0"),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.1"),
    ("org.apache.logging.log4j", "log4j-core", "2.25.1"),
    ("org.apache.logging.log4j", "log4j-1.2-api", "2.25.1"),
    ("com.fasterxml.jackson.dataformat", "jackson-dataformat-yaml", "2.19.0"),
)
_SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def workers(console: Console) -> dict[str, Any]:
    """Events per second with one worker and with two, from when all partitions are assigned; empty where it cannot be
    measured, which is said."""
    try:
        _install()
    except (OSError, subprocess.SubprocessError) as error:
        console.print(f"[yellow]skipped: one worker and two on Apache Kafka: no Maven, Java or Kafka here ({error})[/]")
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
    with _kafka() as (address, broker), ExitStack() as stack:
        settings = Settings(brokers=address, partitions=8, standby_replicas=0)
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


def _install() -> None:
    if (HOME / "libs").is_dir():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    lines = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in _JARS
    )
    (HOME / "pom.xml").write_text(_POM.format(lines))
    subprocess.run(
        ["mvn", "-B", "-q", "-f", "pom.xml", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
         "-DincludeScope=runtime", "-DoutputDirectory=libs.new"],
        cwd=HOME, check=True, timeout=180, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (HOME / "libs.new").rename(HOME / "libs")


@contextmanager
def _kafka() -> Iterator[tuple[str, psutil.Process]]:
    port, controller, data = free_port(), free_port(), HOME / "data"
    shutil.rmtree(data, ignore_errors=True)
    (HOME / "server.properties").write_text(_SETTINGS.format(port=port, controller=controller, data=data))
    java = ["java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-cp", "libs/*"]
    tool = [*java, "kafka.tools.StorageTool"]
    made = subprocess.run([*tool, "random-uuid"], cwd=HOME, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(
        [*tool, "format", "-t", made[-1], "-c", "server.properties"], cwd=HOME, check=True, capture_output=True
    )
    with (HOME / "log").open("wb") as log:
        server = subprocess.Popen([*java, "kafka.Kafka", "server.properties"], cwd=HOME, stdout=log, stderr=log)
    try:
        _wait(lambda: _listens(port))
        yield f"127.0.0.1:{port}", psutil.Process(server.pid)
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(0.1)
