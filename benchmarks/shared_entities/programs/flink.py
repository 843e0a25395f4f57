"""Flink in Java: compiles and runs SharedEntities.java against the jars of the apache-flink package.

`BROKERS EVENTS PARTITIONS DIRECTORY STATE_BACKEND`. Its Kafka connector is in no package, so events come from a file:
those of `data/events.jsonl`, and further on the same again at later times. The result is that of the whole process:
what starting takes drops out of the difference between two lengths.
"""

import shutil
import subprocess
import sys
import sysconfig
from itertools import islice
from pathlib import Path

import orjson

from benchmarks.shared_entities.programs.job import ACTIONS, Task, now_s, read_task, write_result

SOURCE = Path(__file__).with_name("SharedEntities.java")
EVENTS = Path("data/events.jsonl")
JARS = Path(sysconfig.get_path("purelib")) / "pyflink" / "lib"
_OPENED = ("lang", "util", "nio", "net", "time", "io")


def run(task: Task, backend: str) -> None:
    """One run, measured from outside."""
    directory = task.directory.resolve()
    for name in ("out", "checkpoints"):
        shutil.rmtree(directory / name, ignore_errors=True)
    classes = ":".join(map(str, [*sorted(JARS.glob("*.jar")), directory]))
    subprocess.run(["javac", "-nowarn", "-cp", classes, "-d", str(directory), str(SOURCE)], check=True)
    events = write_events(EVENTS.with_name(f"entities_{task.events}.jsonl").resolve(), task.events)
    opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED]
    paths = [str(path) for path in (events, directory / "out", directory / "checkpoints")]
    cpu_s, started_s = now_s()
    subprocess.run(["java", "-Xmx2g", *opened, "-cp", classes, SOURCE.stem, *paths, backend], check=True)
    ended_cpu_s, ended_s = now_s()
    with (directory / ACTIONS).open("wb") as actions:
        for path in sorted((directory / "out").rglob("part-*")):
            actions.write(path.read_bytes())
    write_result(task, ended_cpu_s - cpu_s, ended_s - started_s)


def write_events(path: Path, count: int) -> Path:
    """So many events as a file. After the last one the first comes again, as much later as all of them took."""
    if path.exists():
        return path
    lines = EVENTS.read_bytes().splitlines()
    took_ms = 2 * len(lines)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        for first in range(0, count, len(lines)):
            for line in islice(lines, count - first):
                event = orjson.loads(line)
                event["ts"] += first // len(lines) * took_ms
                file.write(orjson.dumps(event) + b"\n")
    return unfinished.rename(path)


if __name__ == "__main__":
    run(read_task(), sys.argv[5])
