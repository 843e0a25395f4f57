"""The console with a million decisions in its store, beside a worker that is at work: `python -m benchmarks.console`.

Told are the times until the first byte of each page and of searches, how many decisions a second it follows, and its
memory. What is in the store is made here, spread over the last five days; what a worker decides meanwhile comes on top.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx2
import msgspec
import orjson
import psutil
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.console_store import fill
from benchmarks.measure import EVENTS, TIMEOUT_S, cpu_seconds, running_engine, wait_for
from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.store.recording import read_positions
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port, metric_sum, read_page
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.rulebooks import publish_rulebook
from engine.stream.kafka.clients import options
from engine.stream.kafka.topics import create_topics

RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  users_10m: {distinct: user_id, of: post, by: device_id, over: 10m}
lists: {bad_words: {live: true, values: [casino]}}
rules:
""" + "".join(
    f"  rule_{number}: {{event: post, when: [posts_1m > {3 + number}], then: {{limit: posting, for: 1h}}}}\n"
    for number in range(20)
)
PASSWORD = "correct horse battery staple"
EVENTS_PER_S = 300
CALLS = 40
FIRST_BYTE_MS, SEARCH_MS, FOLLOWED_PER_S, MEMORY_MB = 200, 500, 2_000, 400
"""What is wanted."""


class Stream(threading.Thread):
    """Events at an even pace, until it is ended."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings, self._ended, self.sent = settings, threading.Event(), 0

    def run(self) -> None:
        """Send."""
        producer, started = KafkaProducer(**options(self._settings)), time.monotonic()
        while not self._ended.wait(0.01):
            while self.sent < (time.monotonic() - started) * EVENTS_PER_S:
                send(producer, self._settings, self.sent, "live")
                self.sent += 1
        producer.close()

    def end(self) -> None:
        """Send no more."""
        self._ended.set()
        self.join()


def send(producer: KafkaProducer, settings: Settings, number: int, name: str) -> None:
    """An event; five of each user, so that the fourth and fifth meet a rule."""
    user = f"{name}{number // 5}"
    event = {"event_id": f"{name}-{number}", "type": "post", "user_id": user, "ts": int(time.time() * 1000),
             "device_id": f"d{number // 50}", "text": f"some words of number {number}"}  # fmt: skip
    producer.send(settings.topics.events, orjson.dumps(event), user.encode())


@contextmanager
def running_console(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """The console as a process, once it answers."""
    config = Path(tempfile.mkdtemp(prefix="floodgate-bench-")) / "settings.json"
    config.write_bytes(msgspec.json.encode(settings))
    command = [sys.executable, "-m", "engine.cli", "console", "--config", str(config)]
    with (config.parent / "log").open("wb") as log:
        console = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: read_page(settings.console.port, "/healthz") == "ok\n", console, 0.1)
        yield console
    finally:
        console.terminate()
        console.wait()


def sign_in(port: int) -> httpx2.Client:
    """An administrator's browser."""
    client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    token = re.search(r'name="token" value="([^"]+)"', client.get("/login").text)
    assert token is not None
    given = {"name": "bench", "password": PASSWORD, "token": token[1], "next": ""}
    assert client.post("/login", data=given).status_code == 303
    return client


def first_byte_ms(client: httpx2.Client, path: str) -> float:
    """Until the answer begins."""
    started = time.perf_counter()
    with client.stream("GET", path) as response:
        took_ms = (time.perf_counter() - started) * 1000
        if response.status_code != 200:
            raise RuntimeError(f"{path}: {response.status_code}")
    return took_ms


def paths(client: httpx2.Client) -> tuple[dict[str, str], dict[str, str]]:
    """What is asked for: pages and searches, by name."""
    found = client.get("/api/decisions?rule=rule_1&limit=20").json()["decisions"][-1]
    decision, user = found["id"], found["user_id"]
    pages = {
        "overview": "/", "queue": "/queue", "my work": "/queue/mine", "moderators": "/moderators", "rules": "/rules",
        "a rule": "/rules/rule_1", "history": "/rules/history", "backtests": "/backtests", "lists": "/lists",
        "models": "/models", "simulator": "/simulator", "dead letters": "/dead-letters", "outgoing": "/outgoing",
        "audit log": "/audit", "account": "/account", "a decision": f"/decisions/{decision}",
        "a user": f"/people/user_id?value={user}", "a domain": "/people/url_domain?value=site7.example",
        "a device": "/people/device_id?value=d7", "graph": f"/graph.json?kind=user_id&value={user}",
    }  # fmt: skip
    searches = {
        "newest": "/decisions", "by user": f"/decisions?user_id={user}", "by rule": "/decisions?rule=rule_3",
        "by outcome": "/decisions?outcome=act", "by event": "/decisions?event_id=e4711",
        "by action": "/decisions?action_id=a4700", "by words": "/decisions?words=word17", "words that are not there":
        "/decisions?words=nowhere", "by domain": "/decisions?entity=url_domain:site7.example",
    }  # fmt: skip
    return pages, searches


def quantile(times: Sequence[float], share: float) -> float:
    """The value below which this share of the times is."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def measure_pages(settings: Settings, out: Console) -> dict[str, Any]:
    """Each page and search, again and again in turn, beside a worker that decides events."""
    stream = Stream(settings)
    with running_console(settings) as process:
        client = sign_in(settings.console.port)
        pages, searches = paths(client)
        stream.start()
        took: dict[str, list[float]] = {path: [] for path in (*pages.values(), *searches.values())}
        size = _Size(process.pid)
        for _ in track(range(CALLS + 1), "pages and searches"):
            for path, times in took.items():
                times.append(first_byte_ms(client, path))
                size.look()
        stream.end()
        client.close()
    took = {path: times[1:] for path, times in took.items()}
    for title, asked in (("page", pages), ("search", searches)):
        table = Table(title, "median ms", "p95 ms", title=f"until the first byte, {EVENTS_PER_S} events/s beside")
        for name, path in asked.items():
            table.add_row(name, f"{statistics.median(took[path]):.0f}", f"{quantile(took[path], 0.95):.0f}")
        out.print(table)
    found = {}
    for kind, asked, wanted in (("pages", pages, FIRST_BYTE_MS), ("searches", searches, SEARCH_MS)):
        every = [one for path in asked.values() for one in took[path]]
        worst = max(quantile(took[path], 0.95) for path in asked.values())
        found[kind] = {"p95_ms": round(quantile(every, 0.95), 1), "worst_p95_ms": round(worst, 1), "wanted_ms": wanted}
    return {**found, "memory_mb": round(size.most_mb), "wanted_mb": MEMORY_MB, "events_beside": stream.sent}


class _Size:
    """The most memory that a process had."""

    def __init__(self, pid: int) -> None:
        self._process, self.most_mb = psutil.Process(pid), 0.0

    def look(self) -> None:
        self.most_mb = max(self.most_mb, self._process.memory_info().rss / 1e6)


def measure_following(settings: Settings, store: Store, web_port: int, count: int) -> dict[str, Any]:
    """How fast the console takes in what has been decided while it was away: each decision has an event beside it, and
    every fifth an action."""
    producer = KafkaProducer(**options(settings))
    decided = metric_sum(read_page(web_port, "/metrics"), EVENTS)
    for number in track(range(count), "events that nobody follows"):
        send(producer, settings, number, "away")
    producer.close()
    consumer = KafkaConsumer(**options(settings), enable_auto_commit=False)
    partitions = [TopicPartition(settings.topics.decisions, number) for number in range(settings.partitions)]
    _wait_until(lambda: metric_sum(read_page(web_port, "/metrics"), EVENTS) >= decided + count)
    _wait_until(lambda: sum(consumer.end_offsets(partitions).values()) >= _followed(store, settings) + count)
    ends = sum(consumer.end_offsets(partitions).values())
    consumer.close()
    before = _followed(store, settings)
    with running_console(settings) as console:
        process = psutil.Process(console.pid)
        _wait_until(lambda: _followed(store, settings) > before)
        first, started, cpu_s = _followed(store, settings), time.monotonic(), cpu_seconds(process)
        _wait_until(lambda: _followed(store, settings) >= ends)
        seconds, cpu_s = time.monotonic() - started, cpu_seconds(process) - cpu_s
        memory_mb = process.memory_info().rss / 1e6
    return {
        "decisions_per_s": round((ends - first) / seconds), "wanted_per_s": FOLLOWED_PER_S,
        "cpu_us_per_decision": round(cpu_s / (ends - first) * 1e6), "memory_mb": round(memory_mb),
    }  # fmt: skip


def _followed(store: Store, settings: Settings) -> int:
    """How many decisions of the topic the store has."""
    with store.read() as connection:
        places = read_positions(connection).items()
    return sum(offset for (topic, _), offset in places if topic == settings.topics.decisions)


def _wait_until(condition: Callable[[], bool]) -> None:
    """Raises RuntimeError where it takes too long."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(0.1)


@click.command()
@click.option("--decisions", default=1_000_000, show_default=True, help="So many are in the store.")
@click.option("--away", default=50_000, show_default=True, help="So many come while the console is away.")
@click.option("--store", "kept", type=click.Path(path_type=Path), help="A filled store to copy; made if it is missing.")
def run(decisions: int, away: int, kept: Path | None) -> None:
    """Fill a store, ask for every page, and follow."""
    path = Path(tempfile.mkdtemp(prefix="floodgate-bench-")) / "console.db"
    if kept is None or not kept.exists():
        made = Store(f"sqlite:///{path}")
        fill(made, decisions)
        with made.write() as connection:
            accounts.add_account(connection, "bench", "administrator", PASSWORD, int(time.time() * 1000))
        made.close()
        if kept is not None:
            shutil.copy(path, kept)
    else:
        shutil.copy(kept, path)  # what has followed topics before would begin anew
    store = Store(f"sqlite:///{path}")
    with BrokerProcess() as broker:
        document = {
            "brokers": broker.address, "partitions": 4, "standby_replicas": 0, "decision_sample": 1.0,
            "console": {"store": f"sqlite:///{path}", "port": free_port()},
        }  # fmt: skip
        settings, web_port = msgspec.convert(document, Settings), free_port()
        create_topics(settings)
        publish_rulebook(settings, load_rulebook({"rules.yaml": RULES}), "bench", "")
        with running_engine(settings, web_port):
            found = measure_pages(settings, Console())
            found["following"] = measure_following(settings, store, web_port, away)
    store.close()
    click.echo(json.dumps(found, indent=2))


if __name__ == "__main__":
    run()
