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
def running_engine(settings: Settings, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that has its partitions, as a process; ended afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="floodgate-bench-"))
    config = directory / "settings.json"
    own = msgspec.structs.replace(settings, data_dir=str(directory / "data"), web_port=port, log_level="warning")
    config.write_bytes(msgspec.json.encode(own))
    command = [sys.executable, "-m", "engine.cli", "worker", "--config", str(config)]
    with (directory / "log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(lambda: '"ready"' in read_page(port, "/readyz"), worker)
        yield worker
    finally:
        worker.kill()
        worker.wait()


def measure_engine(
    settings: Settings, count: int, port: int, metric: str = "floodgate_events_total", events: int | None = None
) -> Cost:
    """Run a worker until `metric` has reached `count`; the cost is for each of `events`, if they are not what is
    counted. Measured from when it has its partitions: what it had done by then is left out."""

    def done() -> float:
        return metric_sum(read_page(port, "/metrics"), metric)

    with running_engine(settings, port) as worker:
        process = psutil.Process(worker.pid)
        before, idle_cpu, started = done(), cpu_seconds(process), time.perf_counter()
        _wait(lambda: done() >= count, worker)
        busy, cpu = time.perf_counter() - started, cpu_seconds(process) - idle_cpu
        counted = events or count - before
        return Cost(cpu / counted * 1e6, busy / counted * 1e6, process.memory_info().rss / 1e6)


def _wait(condition: Callable[[], bool], worker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the worker ended or took too long")
        time.sleep(_POLL_S)
