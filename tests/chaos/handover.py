"""`make handover`: how long events wait while a worker is restarted, or killed, on Apache Kafka.

Two workers with passive rules, 300 events a second, each event's decision published. The wait of an event is from its
time until the record of its decision; told is the longest around each stop.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from engine.dev.kafka.cluster import KafkaCluster
from engine.settings import Settings
from engine.stream.kafka.clients import options
from tests.system import System, WorkerProcess, wait_until

EVENTS_A_SECOND = 300
CALM_S = 8.0
"""Between two stops: everything is decided, and standby copies are warm again."""

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
rules: {flood: {event: post, when: [posts_1m > 500], then: {flag: posting}}}
"""


class Stream(threading.Thread):
    """Sends events at an even pace until it is ended."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._topic, self._ended = settings.topics.events, threading.Event()
        self._producer = KafkaProducer(**options(settings))

    def run(self) -> None:
        """Send."""
        started, sent = time.monotonic(), 0
        while not self._ended.wait(0.005):
            while sent < (time.monotonic() - started) * EVENTS_A_SECOND:
                now_ms, user = int(time.time() * 1000), f"u{sent % 997}"
                event = {"event_id": f"e{sent}", "type": "post", "user_id": user, "ts": now_ms}
                self._producer.send(self._topic, orjson.dumps(event), user.encode(), timestamp_ms=now_ms)
                sent += 1

    def end(self) -> None:
        """Send no more."""
        self._ended.set()
        self.join()
        self._producer.close()


class Waits:
    """How long events have waited for their decisions."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = KafkaConsumer(**options(settings), enable_auto_commit=False)
        topic = settings.topics.decisions
        self._consumer.assign([TopicPartition(topic, one) for one in range(settings.partitions)])
        self._consumer.seek_to_end()

    def longest_s(self, until: Callable[[], bool]) -> float:
        """The longest of those that end before a condition holds."""
        longest_ms = 0
        while not until():
            for records in self._consumer.poll(timeout_ms=100).values():
                longest_ms = max(longest_ms, *(one.timestamp - orjson.loads(one.value)["ts"] for one in records))
        return longest_ms / 1000


@click.command()
@click.option("--times", default=3, show_default=True, help="How often each kind of stop is tried.")
@click.option("--names/--no-names", default=True, help="Whether workers keep their names (`instance_id`).")
@click.option("--session-timeout-ms", default=Settings().session_timeout_ms, show_default=True)
def main(times: int, names: bool, session_timeout_ms: int) -> None:
    """Restart and kill workers in turn; print the longest waits."""
    directory = Path(tempfile.mkdtemp(prefix="floodgate-handover-"))
    (directory / "rules.yaml").write_text(RULES)
    kinds: dict[str, Callable[[WorkerProcess], object]] = {
        "nothing": lambda _: None, "restarted (TERM)": WorkerProcess.stop, "killed (kill -9)": WorkerProcess.kill,
    }  # fmt: skip
    with KafkaCluster() as kafka, System(
        directory, kafka.address, decision_sample=1.0, session_timeout_ms=session_timeout_ms, partitions=8,
        batch_max_events=4_000, commit_interval_ms=1_000,
    ) as system:  # fmt: skip
        system.push_rules(directory / "rules.yaml")
        workers = [system.start_worker(name, instance_id=name * names) for name in ("one", "two")]
        for worker in workers:
            wait_until(worker.ready, f"{worker.name} is ready")
        stream, waits = Stream(system.settings), Waits(system.settings)
        stream.start()
        waits.longest_s(_after(CALM_S))
        click.echo("| a worker is | longest wait of an event, s: median | all |\n| --- | --- | --- |")
        for kind, stop in kinds.items():
            found = [_try(workers[number % 2], stop, waits) for number in range(times)]
            click.echo(f"| {kind} | {statistics.median(found):.1f} | {' '.join(f'{one:.1f}' for one in found)} |")
        stream.end()
        system.wait_until_decided()


def _try(worker: WorkerProcess, stop: Callable[[WorkerProcess], object], waits: Waits) -> float:
    def stop_and_start() -> None:
        stop(worker)
        if worker.has_ended():
            worker.restart()
        wait_until(worker.ready, f"{worker.name} is ready")

    thread = threading.Thread(target=stop_and_start)
    thread.start()
    longest_s = waits.longest_s(lambda: not thread.is_alive())
    return max(longest_s, waits.longest_s(_after(CALM_S)))


def _after(seconds: float) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() > ends


if __name__ == "__main__":
    main()
