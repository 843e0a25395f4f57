"""`make endurance`: a burst of ten times what the workers can do, on Apache Kafka: lag, not loss, and not memory.

Two workers with the starter rules. First what they can do is measured; then ten times as much is sent at once, as much
as they need the given minutes for. What is told: lag and resident memory over the time, and whether every event was
decided.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
import psutil
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from engine.dev.kafka.cluster import KafkaCluster
from tests.system import System, wait_until

RULES = Path(__file__).parents[2] / "rules"
START_MS = 1_760_000_000_000
WARM_UP_EVENTS = 100_000
PATIENCE_S = 3_600
GROWTH = 1.1
"""So much more memory than in the first half of the way may be used in the second."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How things stood. `rss_bytes`: of each worker."""

    at_s: float
    lag: int
    rss_bytes: tuple[int, ...]


class Burst:
    """A system, and what is sent to it."""

    def __init__(self, directory: Path, brokers: str, users: int, workers: int = 2) -> None:
        self.system = System(directory, brokers, batch_max_events=1_000, session_timeout_ms=10_000)
        self.system.push_rules(RULES)
        self._users, self.sent = users, 0
        for number in range(workers):
            self.system.start_worker(f"worker-{number}")
        for worker in self.system.workers:
            wait_until(worker.ready, f"{worker.name} is ready", 120)
        self._processes = [psutil.Process(worker.pid) for worker in self.system.workers]

    def send(self, count: int) -> float:
        """Publish so many events as fast as possible; how long that took."""
        brokers, topic = self.system.settings.brokers, self.system.settings.topics.events
        producer = Producer({"bootstrap.servers": brokers, "linger.ms": 20, "compression.type": "lz4"})
        started = time.monotonic()
        for number in range(self.sent, self.sent + count):
            user = f"user-{number * 7919 % self._users}"
            event = {
                "event_id": f"e{number}", "type": ("post", "comment", "like", "message")[number % 4], "user_id": user,
                "ts": START_MS + 10 * number, "target_id": f"t{number % 5_000}", "ip": f"10.{user[-2:]}.0.1",
                "text": f"hello number {number} from {user}, nothing to see", "account_age": 100,
            }  # fmt: skip
            while True:
                try:
                    producer.produce(topic, orjson.dumps(event), user.encode(), timestamp=event["ts"])
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.flush()
        self.sent += count
        return time.monotonic() - started

    def samples(self, sender: threading.Thread | None = None, every_s: float = 1.0) -> Iterator[Sample]:
        """How things stand, until nothing is left, and nothing more is sent."""
        started, pause = time.monotonic(), threading.Event()
        while time.monotonic() - started < PATIENCE_S:
            lag = self.system.lag()
            rss = tuple(process.memory_info().rss for process in self._processes)
            yield Sample(time.monotonic() - started, lag, rss)
            if not lag and (sender is None or not sender.is_alive()):
                return
            pause.wait(every_s)
        raise AssertionError(f"not all was decided within {PATIENCE_S} seconds")

    def decided(self) -> int:
        """How many events the workers have decided, or passed because no rule asks about them."""
        names = ("floodgate_events_total", "floodgate_events_ignored_total")
        return int(sum(worker.metric(name) for worker in self.system.workers for name in names))


def capacity(burst: Burst) -> float:
    """Events a second that the workers decide."""
    burst.send(WARM_UP_EVENTS)
    *_, last = burst.samples(every_s=0.2)
    return WARM_UP_EVENTS / last.at_s


def tell(console: Console, samples: list[Sample], rows: int = 12) -> bool:
    """The table; whether memory stayed flat."""
    table = Table("minute", "events behind", *[f"worker {number}, MB" for number in range(len(samples[0].rss_bytes))])
    for sample in [*samples[:: max(1, len(samples) // rows)], samples[-1]]:
        table.add_row(f"{sample.at_s / 60:.1f}", f"{sample.lag:,}", *[f"{rss / 1e6:.0f}" for rss in sample.rss_bytes])
    console.print(table)
    half = len(samples) // 2
    workers = range(len(samples[0].rss_bytes))
    most = [[max(one.rss_bytes[at] for one in part) for at in workers] for part in (samples[:half], samples[half:])]
    growth: list[float] = [later / earlier for earlier, later in zip(*most, strict=True)]
    console.print(
        f"the most memory in the second half, of that in the first: {', '.join(f'{one:.2f}' for one in growth)}"
    )
    return max(growth) <= GROWTH


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--minutes", default=8.0, show_default=True, help="How long the workers need for the burst.")
@click.option("--users", default=100_000, show_default=True)
def main(minutes: float, users: int) -> None:
    """Run and tell."""
    console = Console(width=120)
    with KafkaCluster() as cluster, tempfile.TemporaryDirectory() as directory:
        burst = Burst(Path(directory), cluster.address, users)
        with burst.system:
            rate = capacity(burst)
            count = int(rate * minutes * 60)
            console.print(f"the workers decide {rate:,.0f} events a second; now {count:,} at once")
            took: list[float] = []
            sender = threading.Thread(target=lambda: took.append(burst.send(count)))
            sender.start()
            samples = list(burst.samples(sender))
            console.print(f"sent within {took[0]:.0f} s: {count / took[0] / rate:.0f} times what they decide")
            flat, decided = tell(console, samples), burst.decided()
            console.print(f"sent {burst.sent:,}, decided {decided:,}")
    sys.exit(0 if flat and decided == burst.sent else 1)


if __name__ == "__main__":
    main()
