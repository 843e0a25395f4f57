"""`make rivals`: Floodgate, stock Faust and a hand-written loop under the same kills, on Apache Kafka.

Each has two workers, which count the same events by user while they arrive; a worker is killed (SIGKILL) every few
seconds and started again at once. What each has counted in the end is compared with what was sent.
"""

import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from rich.console import Console
from rich.table import Table

from engine.core.state.records import load_record
from engine.dev.kafka.cluster import KafkaCluster
from engine.state.store import USER
from engine.stream.kafka.topics import changelog_topic
from tests.chaos.peers import PARTITIONS, SESSION_MS
from tests.events import START_MS
from tests.kernels import times_by_key
from tests.system import System, WorkerProcess, wait_until

USERS = 60
RULES = """
version: 1
counters: {all_1d: {count: any, by: user_id, over: 1d, cap: 1000}}
rules: {many: {event: any, when: [all_1d > 990], then: {flag: many}, mode: shadow}}
"""
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Contest:
    """`pace`: events a second; `every_s`: between two kills."""

    events: int
    pace: int
    kills: int
    every_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class Score:
    """What one has made of it. `settled_s`: from the last event until all was committed; None: never was."""

    wrong_users: int
    lost: int
    twice: int
    settled_s: float | None


class Peer:
    """A process that is killed and started again."""

    def __init__(self, name: str, brokers: str, topic: str, directory: Path, number: int) -> None:
        own = directory / (f"{name}-{number}" if name == "faust" else name)
        own.mkdir(exist_ok=True)
        self._command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.chaos.peers",
            name,
            brokers,
            topic,
            name,
            str(own),
        ]
        self._log = (directory / f"{name}-{number}.log").open("ab")
        self.restart()

    def restart(self) -> None:
        """Start, with what is on its disk."""
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)

    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


Worker = Peer | WorkerProcess


def feed_and_kill(contest: Contest, workers: list[Worker], send: Callable[[bytes, bytes], object]) -> Counter[str]:
    """Send events at their pace, kill and start workers meanwhile; how many events each user had."""
    choice, killed = random.Random(contest.seed), 0
    sent, started, pace = Counter[str](), time.monotonic(), threading.Event()

    for number in range(contest.events):
        user = f"user-{choice.randrange(USERS)}"
        event = {"event_id": f"e{number}", "type": "post", "user_id": user, "ts": START_MS + number}
        send(user.encode(), orjson.dumps(event))
        sent[user] += 1
        due = number / contest.pace - (time.monotonic() - started)
        if due > 0.05:
            pace.wait(due)
        if killed < contest.kills and time.monotonic() - started > contest.every_s * (killed + 1):
            killed += 1
            worker = choice.choice(workers)
            worker.kill()
            worker.restart()
        for worker in workers:
            if worker.has_ended():
                worker.restart()  # as its supervisor would
    return sent


def score(sent: Counter[str], counted: dict[str, int], settled_s: float | None) -> Score:
    """Compare."""
    off = {user: counted.get(user, 0) - number for user, number in sent.items()}
    return Score(
        sum(one != 0 for one in off.values()), -sum(min(0, one) for one in off.values()),
        sum(max(0, one) for one in off.values()), settled_s,
    )  # fmt: skip


def run_floodgate(contest: Contest, brokers: str, directory: Path) -> Score:
    """This engine."""
    rules = directory / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(RULES)
    with System(directory, brokers, partitions=PARTITIONS, session_timeout_ms=SESSION_MS) as system:
        system.push_rules(rules)
        workers: list[Worker] = [system.start_worker("one"), system.start_worker("two")]
        for worker in system.workers:
            wait_until(worker.ready, "it is ready", _PATIENCE_S)
        sent = _feed(contest, brokers, system.settings.topics.events, workers)
        settled_s = _settled(brokers, system.settings.app_id, system.settings.topics.events, workers)
        counted = {}
        for record in system.read(changelog_topic(system.settings)):
            if record.key.startswith(USER) and record.value:
                series = times_by_key(load_record(record.value).series.counts)
                counted[record.key.removeprefix(USER).decode()] = sum(map(len, series.values()))
        return score(sent, counted, settled_s)


def run_peer(name: str, contest: Contest, brokers: str, directory: Path) -> Score:
    """Stock Faust, or the loop."""
    topic = f"events-{name}"
    with _admin(brokers) as client:
        client.create_topics([NewTopic(topic, PARTITIONS, 1)])
        if name == "faust":
            compacted = {"cleanup.policy": "compact"}
            client.create_topics([NewTopic("faust-counts-changelog", PARTITIONS, 1, topic_configs=compacted)])
    workers: list[Worker] = [Peer(name, brokers, topic, directory, number) for number in range(2)]
    try:
        sent = _feed(contest, brokers, topic, workers)
        settled_s = _settled(brokers, name, topic, workers)
    finally:
        for worker in workers:
            worker.kill()
    return score(sent, _loop_counts(directory) if name == "loop" else _faust_counts(brokers), settled_s)


def _feed(contest: Contest, brokers: str, topic: str, workers: list[Worker]) -> Counter[str]:
    producer = KafkaProducer(bootstrap_servers=brokers.split(","), acks="all", linger_ms=5)
    try:
        return feed_and_kill(
            contest,
            workers,
            lambda key, value: producer.send(topic, value, key, timestamp_ms=orjson.loads(value)["ts"]),
        )
    finally:
        producer.close()


def _settled(brokers: str, group: str, topic: str, workers: list[Worker]) -> float | None:
    """How long it takes until everything is committed."""
    consumer = KafkaConsumer(bootstrap_servers=brokers.split(","), group_id=group, enable_auto_commit=False)
    tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    started = time.monotonic()

    def done() -> bool:
        for worker in workers:
            if worker.has_ended():
                worker.restart()
        ends = consumer.end_offsets(tps)
        return all((consumer.committed(tp) or 0) >= ends[tp] for tp in tps)

    try:
        wait_until(done, "all is committed", _PATIENCE_S)
    except AssertionError:
        return None
    finally:
        consumer.close(autocommit=False)
    return time.monotonic() - started


def _admin(brokers: str) -> Any:
    return closing(KafkaAdminClient(bootstrap_servers=brokers.split(",")))


def _loop_counts(directory: Path) -> dict[str, int]:
    return dict(sqlite3.connect(directory / "loop" / "counts.db").execute("select user, number from counts"))


def _faust_counts(brokers: str) -> dict[str, int]:
    consumer = KafkaConsumer(bootstrap_servers=brokers.split(","), enable_auto_commit=False)
    tps = [TopicPartition("faust-counts-changelog", number) for number in range(PARTITIONS)]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    ends, counted = consumer.end_offsets(tps), {}
    while any(consumer.position(tp) < ends[tp] for tp in tps):
        for records in consumer.poll(timeout_ms=500).values():
            counted.update({orjson.loads(record.key): orjson.loads(record.value) for record in records if record.value})
    consumer.close()
    return counted


@click.command()
@click.option("--events", default=30_000, show_default=True)
@click.option("--pace", default=800, show_default=True, help="Events a second.")
@click.option("--kills", default=8, show_default=True)
@click.option("--every", "every_s", default=4.0, show_default=True, help="Seconds between two kills.")
@click.option("--seed", default=1, show_default=True)
def main(**options: Any) -> None:
    """Run all three, one after the other."""
    contest, console = Contest(**options), Console(width=110)
    runs = {
        "Floodgate": run_floodgate,
        "stock Faust, table": lambda *given: run_peer("faust", *given),
        "loop, SQLite": lambda *given: run_peer("loop", *given),
    }
    table = Table("", "kills", "events", "lost", "counted twice", f"of {USERS} users wrong", "settled after s")
    for name, run in runs.items():
        with KafkaCluster() as cluster, tempfile.TemporaryDirectory() as directory:
            found = run(contest, cluster.address, Path(directory))
            settled = "never" if found.settled_s is None else f"{found.settled_s:.1f}"
            row = (contest.kills, contest.events, found.lost, found.twice, found.wrong_users)
            table.add_row(name, *(f"{one:,}" for one in row), settled)
            console.print(name, row, settled)
    console.print(table)


if __name__ == "__main__":
    main()
