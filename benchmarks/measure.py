"""Processes whose CPU time is read while they work: user + system, all threads, children included."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from engine.dev.pages import metric_sum, read_page
from engine.settings import Settings

TIMEOUT_S = 600.0
EVENTS = "floodgate_events_total"
ENDED = "floodgate_routed_events_total"
"""Events that have been at all their entities, and are decided."""

_READY_POLL_S = 0.05
_POLL_S = 0.5
"""The metrics page costs the worker a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many events cost one process."""

    cpu_us_per_event: float
    wall_us_per_event: float
    memory_mb: float


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its children so far."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def running_engine(
    settings: Settings, port: int, directory: Path | None = None, page: str = "/readyz"
) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as a process, once it answers on a page: by default when it has its partitions. Ended afterwards.
    Its state is in the directory."""

    directory = directory or Path(tempfile.mkdtemp(prefix="floodgate-bench-"))
    config = directory / "settings.json"
    own = msgspec.structs.replace(settings, data_dir=str(directory / "data"), web_port=port, log_level="warning")
    config.write_bytes(msgspec.json.encode(own))
    command = [sys.executable, "-m", "engine.cli", "worker", "--config", str(config)]
    with (directory / "log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: bool(read_page(port, page)), worker, _READY_POLL_S)
        yield worker
    finally:
        worker.kill()
        worker.wait()


def measure_engine(
    settings: Settings, count: int, port: int, metric: str = EVENTS, until_nothing_waits: bool = False
) -> Cost:
    """Run a worker until `metric` has reached `count` and everything is durable. The cost of each event, from when
    the worker has its partitions: what it had done by then is left out. `until_nothing_waits`: and until no partition
    has messages left, as where only some events go on to entities."""

    last = -1.0

    def done() -> bool:
        nonlocal last
        page = read_page(port, "/metrics")
        before, last = last, metric_sum(page, "floodgate_hops_total") + metric_sum(page, ENDED)
        # What is on its way between two partitions is in the lag of neither for a moment.
        is_over = not until_nothing_waits or (metric_sum(page, "floodgate_lag") == 0 and before == last)
        return is_over and metric_sum(page, metric) >= count and durable_events(page) > 0

    with running_engine(settings, port) as worker:
        process = psutil.Process(worker.pid)
        before, idle_cpu, started = (
            metric_sum(read_page(port, "/metrics"), EVENTS),
            cpu_seconds(process),
            time.perf_counter(),
        )
        wait_for(done, worker)
        busy, cpu = time.perf_counter() - started, cpu_seconds(process) - idle_cpu
        counted = metric_sum(read_page(port, "/metrics"), EVENTS) - before
        return Cost(cpu / counted * 1e6, busy / counted * 1e6, process.memory_info().rss / 1e6)


def durable_events(page: str) -> float:
    """How many events are decided, once all that has been computed is durable; 0 before."""
    computed, durable = (metric_sum(page, f"floodgate_batch_{step}_seconds_count") for step in ("compute", "persist"))
    return metric_sum(page, EVENTS) if computed == durable else 0


def wait_for(condition: Callable[[], bool], worker: "subprocess.Popen[bytes]", poll_s: float = _POLL_S) -> None:
    """Wait until a condition holds. Raises RuntimeError when the worker ends before."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the worker ended or took too long")
        time.sleep(poll_s)
