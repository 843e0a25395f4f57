"""Many known users: what an event costs among them, what they take, and how fast a worker has them back."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from benchmarks import engine
from benchmarks.engine import Stream, Work, benchmark_rules, published, trained
from benchmarks.measure import cpu_seconds, durable_events, running_engine, wait_for
from benchmarks.workload import events
from engine.core.domain.events import FieldMapping
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record
from engine.dev.pages import free_port, read_page
from engine.learning.scorers import ModelScorer
from engine.settings import Settings
from engine.state.store import user_record_key
from engine.stream.kafka.topics import TABLE

USERS = (10_000, 1_000_000, 5_000_000)
EVENTS = 60_000
GROWTH_LIMIT = 2.0
RECOVERY_RECORDS_PER_S = 100_000
WARM_S = 2.0
_SEVERAL = 64
_IDLE_CPU = 0.1
_IDLE_WITHIN_S = 60


def known_users(console: Console) -> dict[str, Any]:
    """The table over numbers of users, and the summary's part."""
    stream = list(events(EVENTS))
    rulebook = benchmark_rules()
    model = trained(rulebook, stream[:2_000])
    bodies = _records(stream, ModelScorer(rulebook.models["spam"], model))
    messages = published(model)
    rows: dict[int, dict[str, float]] = {}
    for count in USERS:
        work = Work(rulebook, [], messages)
        with engine.prepared(work) as settings:
            changelog = _fill_changelog(settings, bodies, count)
            rows[count] = _measure(settings, stream, count)
            rows[count]["changelog_bytes_per_user"] = changelog / count
        console.print(f"{count:,} users: { {name: round(value, 2) for name, value in rows[count].items()} }")
    return _summary(console, rows)


def _measure(settings: Settings, stream: Stream, count: int) -> dict[str, float]:
    directory, port = Path(tempfile.mkdtemp(prefix="floodgate-bench-")), free_port()
    try:
        started = time.perf_counter()
        with running_engine(settings, port, directory) as worker:
            cold_s, process = time.perf_counter() - started, psutil.Process(worker.pid)
            _wait_until_idle(process)
            idle_mb = process.memory_info().rss / 1e6
            before = cpu_seconds(process)
            _send(settings, _among(stream, count))
            wait_for(lambda: durable_events(read_page(port, "/metrics")) >= len(stream), worker)
            cpu_us = (cpu_seconds(process) - before) / len(stream) * 1e6
            busy_mb = process.memory_info().rss / 1e6
            worker.terminate()  # it leaves its group: the next one need not wait until it is taken for dead
            worker.wait()
        started = time.perf_counter()
        with running_engine(settings, port, directory):
            warm_s = time.perf_counter() - started
        disk = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    finally:
        shutil.rmtree(directory)
    return {
        "cpu_us_per_event": cpu_us, "cold_s": cold_s, "warm_s": warm_s, "idle_mb": idle_mb, "busy_mb": busy_mb,
        "rocksdb_bytes_per_user": disk / count,
    }  # fmt: skip


def _wait_until_idle(process: psutil.Process) -> None:
    """Until RocksDB has put in order what recovery has written: that belongs to the recovery."""
    for _ in range(_IDLE_WITHIN_S):
        before = cpu_seconds(process)
        time.sleep(1)
        if cpu_seconds(process) - before < _IDLE_CPU:
            return
    raise RuntimeError("the worker does not come to rest")


def _summary(console: Console, rows: dict[int, dict[str, float]]) -> dict[str, Any]:
    table = Table("users", "CPU µs/event", "cold start s", "warm start s", "MB idle", "MB busy", "RocksDB B/user",
                  "changelog B/user", title="known users")  # fmt: skip
    for count, row in rows.items():
        table.add_row(
            f"{count:,}", f"{row['cpu_us_per_event']:.1f}", f"{row['cold_s']:.1f}", f"{row['warm_s']:.1f}",
            f"{row['idle_mb']:.0f}", f"{row['busy_mb']:.0f}", f"{row['rocksdb_bytes_per_user']:.0f}",
            f"{row['changelog_bytes_per_user']:.0f}",
        )  # fmt: skip
    console.print(table)
    fewest, million, most = rows[USERS[0]], rows[1_000_000], rows[USERS[-1]]
    growth = most["cpu_us_per_event"] / fewest["cpu_us_per_event"]
    speed = (1_000_000 - USERS[0]) / max(0.1, million["cold_s"] - fewest["cold_s"])
    console.print(
        f"from {USERS[0]:,} to {USERS[-1]:,} users: {growth:.2f} times, at most {GROWTH_LIMIT:g} wanted; "
        f"recovery: {speed:,.0f} records/s, {RECOVERY_RECORDS_PER_S:,} wanted; a warm start takes "
        f"{million['warm_s'] - fewest['warm_s']:.1f} s longer with a million users, below {WARM_S:g} wanted"
    )
    return {
        "users": {str(count): {name: round(value, 2) for name, value in row.items()} for count, row in rows.items()},
        "growth": round(growth, 2),
        "recovery_records_per_s": round(speed),
        "memory_mb_per_million_idle_users": round(million["idle_mb"] - fewest["idle_mb"], 1),
    }


def _records(stream: Stream, scorer: ModelScorer) -> list[bytes]:
    """What users look like after some events: the bodies of records, busy ones and quiet ones."""
    rulebook, mapping = benchmark_rules(), FieldMapping()
    evaluator = Evaluator(rulebook, {"spam": scorer})
    records: dict[str, EntityRecord] = {}
    for _, value in stream[:2_000]:
        event = mapping.read(orjson.loads(value))
        program = rulebook.program(event.type)
        assert program is not None
        user = event.user_id[:-2]  # a hundred users share an account, so that records have something in them
        evaluator.evaluate(event, program, records.setdefault(user, EntityRecord()))
    return [dump_record(record) for record in list(records.values())[:_SEVERAL]]


def _fill_changelog(settings: Settings, bodies: list[bytes], count: int) -> int:
    """The changelog of so many users. Returns its bytes."""
    topic, size = f"{settings.app_id}-{TABLE}-changelog", 0
    client = Producer({"bootstrap.servers": settings.brokers, "linger.ms": 20, "batch.size": 900_000,
                       "batch.num.messages": 10_000, "queue.buffering.max.messages": 1_000_000})  # fmt: skip
    for user in range(count):
        key, body = user_record_key(_name(user)), bodies[user % len(bodies)]
        size += len(key) + len(body)
        while True:
            try:
                client.produce(topic, value=body, key=key, partition=user % settings.partitions)
                break
            except BufferError:
                client.poll(0.05)
        if user % 10_000 == 0:
            client.poll(0)
    if client.flush(120):
        raise RuntimeError("the broker did not take the changelog")
    return size


def _among(stream: Stream, count: int) -> Iterator[tuple[int, bytes, bytes]]:
    """The same events by users picked at random among those known."""
    rng = random.Random(5)
    for _, value in stream:
        user = rng.randrange(count)
        event = orjson.loads(value)
        event["user_id"] = _name(user)
        yield user, event["user_id"].encode(), orjson.dumps(event)


def _send(settings: Settings, stream: Iterator[tuple[int, bytes, bytes]]) -> None:
    client = Producer({"bootstrap.servers": settings.brokers, "linger.ms": 50, "batch.size": 900_000,
                       "compression.type": "zstd"})  # fmt: skip
    for user, key, value in stream:
        arrived = orjson.loads(value)["ts"]
        client.produce(
            settings.topics.events, value=value, key=key, partition=user % settings.partitions, timestamp=arrived
        )
    client.flush()


def _name(user: int) -> str:
    return f"u{user:07d}"
