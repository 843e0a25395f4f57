"""`make moderation`: moderators who label at once, while the console and the broker are killed; on Apache Kafka.

Each moderator takes a case and says what it is, again and again, and tries again where no answer comes. At the end each
case has one label on its topic, and every verdict that was acknowledged is among them.
"""

import collections
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import httpx2
import orjson

from engine.console.store.database import Store
from engine.console.store.outgoing import SENT
from engine.console.store.own import OUTGOING, VERDICTS
from engine.dev.kafka.cluster import KafkaCluster, KafkaNode
from engine.dev.system import FOR_GOOD_DAYS
from engine.settings import RETENTION_DAYS
from tests.console import ConsoleProcess, rows_of
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
rules:
  each: {event: post, when: [posts_1m >= 1], then: {limit: posting, for: 1h, needs: review}}
"""
_PAUSE_S = 0.1
_PATIENCE_S = 300.0


class Told(NamedTuple):
    """What came of it. `acknowledged`: events whose verdict the console has confirmed; `said`: those whose verdict
    stands in the store; `labelled`: how many labels of each event are on the topic."""

    acknowledged: list[str]
    said: list[str]
    labelled: collections.Counter[str]
    console_kills: int
    broker_kills: int
    seconds: float
    most_mb: float


class Moderator(threading.Thread):
    """Somebody who labels until nothing waits any more."""

    def __init__(self, client: httpx2.Client, name: str) -> None:
        super().__init__(daemon=True)
        self._client, self._random = client, random.Random(name)
        self._pause = threading.Event()
        self.acknowledged: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        """Take, judge, and so on."""
        while (event_id := self._ask("/api/queue/next", {}).get("event_id")) is not None:
            label = self._random.choice(("spam", "ham"))
            if "verdict" in self._ask("/api/queue/verdict", {"event_id": event_id, "label": label}):
                self.acknowledged.append(event_id)

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What is answered, however often it has to be asked: a console that is away comes back."""
        while True:
            try:
                response = self._client.post(path, json=body)
            except httpx2.TransportError:
                self._pause.wait(_PAUSE_S)
                continue
            if response.status_code not in (200, 409):  # 409: it is said already, and the answer was lost
                self.wrong.append(f"{path}: {response.status_code} {response.text[:200]}")
                return {}
            return dict(response.json())


class Killer(threading.Thread):
    """Kills the console and the broker in turn, at times of its own choice, and starts them again; at most so often:
    where a start takes long, nobody would get on between two kills."""

    def __init__(self, console: ConsoleProcess, node: KafkaNode, every_s: float, most: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._console, self._node, self._every_s, self._most = console, node, every_s, most
        self._random, self._ended = random.Random(seed), threading.Event()
        self.console_kills = self.broker_kills = 0

    def run(self) -> None:
        """Kill."""
        while not self._ended.wait(self._every_s * self._random.uniform(0.5, 1.5)):
            if self.console_kills + self.broker_kills == self._most:
                return
            if self.console_kills <= self.broker_kills:
                self._console.kill()
                self.console_kills += 1
                self._console.start()
            else:
                self._node.kill()
                self.broker_kills += 1
                self._ended.wait(self._random.uniform(0, 1))
                self._node.start()
                self._node.wait_until_up()

    def end(self) -> None:
        """Kill no more; both run."""
        self._ended.set()
        self.join()


def moderate(
    directory: Path, cluster: KafkaCluster, labels: int, moderators: int, every_s: float, seed: int,
    most_kills: int = 1_000_000,
) -> Told:  # fmt: skip
    """Let so many moderators label so many cases."""
    (directory / "rules.yaml").write_text(RULES)
    kept = dict.fromkeys(RETENTION_DAYS, FOR_GOOD_DAYS)
    with System(directory, cluster.address, retention_days=kept, batch_max_events=1_000) as system:
        system.push_rules(directory / "rules.yaml")
        worker = system.start_worker("one")
        console = ConsoleProcess(system.settings, directory, second_review_share=0.0, golden_share=0.0)
        for number in range(moderators):
            console.add_user(f"m{number}", "moderator")
        console.start()
        wait_until(worker.ready, "it is ready")
        system.publish(_posts(labels))
        system.wait_until_decided(_PATIENCE_S)
        system.forget_lag_consumer()
        clients = [console.client(f"m{number}") for number in range(moderators)]
        page = clients[0]
        wait_until(lambda: page.get("/api/overview").json()["behind"] == 0, "all is followed", _PATIENCE_S)
        people = [Moderator(client, f"m{number}") for number, client in enumerate(clients)]
        killer, sizes = Killer(console, cluster.nodes[0], every_s, most_kills, seed), [console.memory_mb()]
        started = time.monotonic()
        for thread in (*people, killer):
            thread.start()
        try:
            while any(person.is_alive() for person in people):
                people[0].join(0.5)
                sizes.append(console.memory_mb())
            seconds = time.monotonic() - started
        finally:
            killer.end()
        store = Store(console.url)
        wait_until(lambda: all(row["state"] == SENT for row in rows_of(store, OUTGOING)), "all is out", _PATIENCE_S)
        wrong = [what for person in people for what in person.wrong]
        assert not wrong, wrong[:5]
        found = [orjson.loads(record.value) for record in system.read(system.settings.topics.labels)]
        said = [row["event_id"] for row in rows_of(store, VERDICTS)]
        store.close()
        console.stop()
        return Told(
            [event_id for person in people for event_id in person.acknowledged],
            said,
            collections.Counter(label["event_id"] for label in found),
            killer.console_kills,
            killer.broker_kills,
            seconds,
            max(sizes),
        )


def _posts(count: int) -> Iterator[bytes]:
    for number in range(count):
        event = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "ts": START_MS + number}
        yield orjson.dumps({**event, "text": f"some words of number {number}", "device_id": f"d{number // 7}"})


@click.command()
@click.option("--labels", default=10_000, show_default=True, help="Cases, each of which gets a label.")
@click.option("--moderators", default=20, show_default=True)
@click.option("--every", "every_s", default=12.0, show_default=True, help="Seconds between two kills, on average.")
@click.option("--seed", default=1, show_default=True)
def run(labels: int, moderators: int, every_s: float, seed: int) -> None:
    """Label, and say what came of it."""
    with tempfile.TemporaryDirectory(prefix="floodgate-") as directory, KafkaCluster() as cluster:
        told = moderate(Path(directory), cluster, labels, moderators, every_s, seed)
    lost = set(told.said) - told.labelled.keys()
    doubled = [event_id for event_id, count in told.labelled.items() if count > 1]
    click.echo(f"{labels:,} cases, {moderators} moderators, {told.seconds:.0f} s: {labels / told.seconds:.0f} labels/s")
    click.echo(f"console killed {told.console_kills} times, broker {told.broker_kills} times")
    click.echo(f"verdicts in the store {len(told.said):,}, acknowledged {len(told.acknowledged):,}")
    click.echo(f"labels on the topic {told.labelled.total():,}; lost {len(lost)}, doubled {len(doubled)}")
    click.echo(f"memory of the console at most {told.most_mb:.0f} MB")


if __name__ == "__main__":
    run()
