"""`make soak`: faults at random on Apache Kafka with three nodes and three workers, checked against an oracle.

In the middle of each fault a rulebook is pushed, and a model is published that has learned something. After each fault
and the events that were sent with it, everything that came out is compared with an undisturbed run's: what each event
led to, every counter, every action.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click
import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from engine.dev.kafka.cluster import KafkaCluster
from engine.rulebook.compiler import load_rulebook
from engine.stream.kafka.clients import options
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.chaos.renewals import Renewals
from tests.chaos.test_damage import lose, overwrite_blocks, tear_manifest
from tests.events import random_events
from tests.system import System, WorkerProcess, users_of, wait_until

_PATIENCE_S = 120


@dataclass(slots=True)
class Tally:
    """What came of one kind of fault."""

    injected: int = 0
    events: int = 0
    lost: int = 0
    counted_wrong: int = 0
    actions_missing: int = 0
    actions_differing: int = 0
    recovery_s: list[float] = field(default_factory=list)


class Soak:
    """A system under faults, and the oracle beside it."""

    def __init__(self, directory: Path, seed: int, workers: int = 3) -> None:
        self.random = random.Random(seed)
        self.cluster = KafkaCluster(3)
        self.system = System(
            directory, self.cluster.address, batch_max_events=20, replication=3, decision_sample=1.0,
            session_timeout_ms=3_000,
        )  # fmt: skip
        self.renewals = Renewals(self.system, directory)
        self.system.push_rules(self.renewals.rules)
        self.oracle = OfflineEngine(load_rulebook(self.renewals.rules), self.system.settings)
        self.wanted_actions: dict[str, str] = {}
        self.wanted_events: set[str] = set()
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.restarts = 0
        for number in range(workers):
            self.system.start_worker(f"worker-{number}")
        for worker in self.system.workers:
            wait_until(worker.ready, f"{worker.name} is ready", _PATIENCE_S)

    @property
    def faults(self) -> dict[str, Callable[[], None]]:
        """Every kind of fault by name."""
        return {
            "worker killed": self.kill_worker,
            "worker killed, disk lost": lambda: self.kill_worker(lose),
            "worker killed, blocks overwritten": lambda: self.kill_worker(overwrite_blocks),
            "worker killed, manifest torn": lambda: self.kill_worker(tear_manifest),
            "two workers killed": self.kill_two,
            "worker stood still": self.pause_worker,
            "broker killed": self.kill_broker,
            "broker stood still": self.pause_broker,
            "actions are enforced slowly": self.enforce_slowly,
            "fetches dropped, worker killed": lambda: self.faulty("drop_fetch"),
            "fetch dropped twice": lambda: self.faulty("drop_again"),
            "changelog append failed": lambda: self.faulty("fail_changelog"),
            "local write failed": lambda: self.faulty("fail_rocksdb"),
            "disk full": lambda: self._one().fill_disk(),
            "clock a day ahead": lambda: self.faulty("clock_ahead"),
            "clock a day behind": lambda: self.faulty("clock_behind"),
            "poison messages": self.poison,
        }

    def round(self, kind: str, events: list[bytes]) -> None:
        """Send events, inject a fault among them, wait for the end, compare."""
        tally, half = self.tallies[kind], len(events) // 2
        self.system.publish(events[:half])
        started = time.monotonic()
        self.faults[kind]()
        self.renewals.learn()
        wait_until(self.renewals.publish, "a rulebook and a model are published", _PATIENCE_S)
        self.system.publish(events[half:])
        wait_until(self._decided, f"everything is decided after: {kind}", _PATIENCE_S)
        tally.recovery_s.append(time.monotonic() - started)
        tally.injected += 1
        tally.events += len(events)
        self._expect(events)
        self._compare(tally)

    # -- faults -----------------------------------------------------------------------------------

    def kill_worker(self, damage: Callable[[Path], None] | None = None) -> None:
        """SIGKILL, its disk perhaps damaged, and a new start."""
        worker = self._one()
        worker.kill()
        if damage is not None:
            damage(self.system.directory / worker.name)
        worker.restart()

    def kill_two(self) -> None:
        """Two at once."""
        chosen = self.random.sample(self.system.workers, 2)
        for worker in chosen:
            worker.kill()
        for worker in chosen:
            worker.restart()

    def pause_worker(self) -> None:
        """Longer than the session timeout, so that others take over."""
        worker = self._one()
        worker.pause()
        self._pass(self.random.uniform(4, 6))
        worker.resume()

    def kill_broker(self) -> None:
        """A leader of some partitions, and back."""
        node = self.random.choice(self.cluster.nodes)
        node.kill()
        self._pass(self.random.uniform(0.5, 3))
        node.start()
        node.wait_until_up()

    def pause_broker(self) -> None:
        """Longer than its session with the controller."""
        node = self.random.choice(self.cluster.nodes)
        node.pause()
        self._pass(self.random.uniform(2, 6))
        node.resume()

    def faulty(self, fault: str) -> None:
        """A worker comes back with a fault inside."""
        worker = self._one()
        worker.kill()
        worker.restart(fault)

    def poison(self) -> None:
        """Messages that no one can read, on every topic that workers read."""
        client = KafkaProducer(**options(self.system.settings))
        topics = self.system.settings.topics
        for topic in (topics.events, topics.labels, topics.hops, topics.examples, topics.models, topics.rulebooks):
            for value in (b"\xff\x00{", b"{}", b"[" * 9_000, b"null", None):
                key = b"version/1-bad" if topic == topics.rulebooks else b"user-1"
                client.send(topic, value, key)
        nested = b'{"author": "a", "note": "", "ts": 0, "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"
        for rulebook_key in (b"list/bad/x", b"paused/x", b"promoted/x"):
            client.send(topics.rulebooks, nested, rulebook_key)
        client.close()

    def enforce_slowly(self) -> None:
        """Whoever reads the actions is far behind, and takes them one at a time."""
        topic = self.system.settings.topics.actions
        client = KafkaConsumer(**options(self.system.settings), max_poll_records=1, fetch_max_bytes=1_000)
        client.assign([TopicPartition(topic, number) for number in range(self.system.settings.partitions)])
        client.seek_to_beginning()
        for _ in range(10):
            client.poll(timeout_ms=200)
        client.close()

    # -- the oracle -------------------------------------------------------------------------------

    def _expect(self, events: list[bytes]) -> None:
        for message in self.oracle.run(Arrival("event", 0, event) for event in events):
            if message.topic == self.system.settings.topics.actions:
                action = orjson.loads(message.value)
                self.wanted_actions[action["action_id"]] = _content(action)
            if message.topic == self.system.settings.topics.decisions:
                self.wanted_events.add(orjson.loads(message.value)["event_id"])

    def _compare(self, tally: Tally) -> None:
        topics = self.system.settings.topics
        decided = {orjson.loads(record.value)["event_id"] for record in self.system.read(topics.decisions)}
        found: dict[str, set[str]] = defaultdict(set)
        for action in self.system.actions():
            found[action["action_id"]].add(_content(action))
        wanted, users = users_of(self.oracle.database.values), self.system.users()
        tally.lost += len(self.wanted_events - decided)
        tally.counted_wrong += sum(users.get(user) != record for user, record in wanted.items())
        tally.actions_missing += len(self.wanted_actions.keys() - found.keys())
        tally.actions_differing += sum(
            contents != {self.wanted_actions.get(one, "")} for one, contents in found.items()
        )

    def _decided(self) -> bool:
        for worker in self.system.workers:
            if worker.has_ended():  # as its supervisor would
                worker.restart()
                self.restarts += 1
        try:
            renewed = all(worker.rulebook() == self.renewals.rulebook for worker in self.system.workers)
            return renewed and self.system.lag() == 0
        except KafkaError:  # a broker is away, and this client may not find the way back
            self.system.forget_lag_consumer()
            return False

    def _one(self) -> WorkerProcess:
        return self.random.choice(self.system.workers)

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > until, "time has passed")

    def close(self) -> None:
        """End everything."""
        for worker in self.system.workers:
            worker.kill()
        self.cluster.stop()


def _content(action: dict[str, object]) -> str:
    """What has to be the same each time it is published: all but the rulebook's and the model's versions, as there are
    newer ones by then."""
    return orjson.dumps({name: action[name] for name in sorted(action) if name not in ("rulebook", "model")}).decode()


def table_of(tallies: dict[str, Tally]) -> Table:
    """One row for each kind of fault, and the sum."""
    table = Table(
        "fault", "injected", "events", "events lost", "users counted wrong", "actions missing", "actions differing",
        "until all was decided, s: median", "longest", title="faults on Apache Kafka, three nodes, three workers",
    )  # fmt: skip
    for kind, one in sorted(tallies.items()):
        table.add_row(
            kind, *map(str, (one.injected, one.events, one.lost, one.counted_wrong, one.actions_missing,
                             one.actions_differing)),
            f"{median(one.recovery_s):.1f}", f"{max(one.recovery_s):.1f}",
        )  # fmt: skip
    sums = Counter[str]()
    for one in tallies.values():
        for name in ("injected", "events", "lost", "counted_wrong", "actions_missing", "actions_differing"):
            sums[name] += getattr(one, name)
    table.add_row("all", *(str(count) for count in sums.values()), "", "", style="bold")
    return table


@click.command()
@click.option("--faults", default=60, show_default=True, help="How many.")
@click.option("--events", default=600, show_default=True, help="Events sent around each.")
@click.option("--seed", default=1, show_default=True, help="Which faults, and when.")
def command(faults: int, events: int, seed: int) -> None:
    """Inject faults and compare with an undisturbed run. Exit code 1 when anything differs."""
    console, directory = Console(width=180), Path(tempfile.mkdtemp(prefix="floodgate-soak-"))
    stream = random_events(faults * events, seed=seed)
    soak = Soak(directory, seed)
    started = time.monotonic()
    try:
        kinds = list(soak.faults)
        for number in range(faults):
            kind = kinds[number % len(kinds)] if number < len(kinds) else soak.random.choice(kinds)
            soak.round(kind, stream[number * events : (number + 1) * events])
            one = soak.tallies[kind]
            wrong = one.lost + one.counted_wrong + one.actions_missing + one.actions_differing
            console.print(f"{number + 1:3}/{faults} {kind}: {one.recovery_s[-1]:.1f} s" + (", WRONG" if wrong else ""))
    finally:
        soak.close()
    console.print(table_of(soak.tallies))
    console.print(f"{soak.restarts} starts by the supervisor; {time.monotonic() - started:.0f} s, seed {seed}")
    failed = any(
        one.lost or one.counted_wrong or one.actions_missing or one.actions_differing for one in soak.tallies.values()
    )
    if failed:
        console.print(f"logs: {directory}")
        sys.exit(1)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    command()
