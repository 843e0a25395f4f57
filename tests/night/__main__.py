"""`make night`: each fault in turn; what was paged, after how long, and how long after it was mended it was quiet."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.dev.kafka.cluster import KafkaCluster
from tests.night.faults import FAULTS, Fault, Night
from tests.night.prometheus import SHORTER, Prometheus
from tests.night.traffic import EVENTS_PER_S, Traffic
from tests.system import System, wait_until

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
models: {spam: {texts: [text], min_labels: 20}}
rules:
  flood: {event: post, when: [posts_1m > 500], then: {flag: posting}}
  scored: {event: post, when: [score.spam > 0.99], then: {flag: posting}, mode: shadow}
"""
EVENING_EVENTS = 5_000
"""So many events long, about a minute, everything is well before the first fault: silence is told from that."""

QUIET_S = 15
"""So long a fault that has no alert is watched."""

PATIENCE_S = 300


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a fault, in seconds from its beginning, and from when it was mended. `wrong`: what should not be."""

    fault: Fault
    paged_s: dict[str, float]
    severity: dict[str, str]
    quiet_s: float
    wrong: str

    def __str__(self) -> str:
        paged = ", ".join(f"`{name}` ({self.severity[name]}) {after:.0f} s" for name, after in self.paged_s.items())
        return f"| {self.fault.name} | {paged or 'nothing'} | {self.fault.resolved_by} | {self.quiet_s:.0f} s |"


def go_through(night: Night, prometheus: Prometheus, fault: Fault) -> Told:
    """Let it happen, wait for the alerts, mend it, wait until all is quiet."""
    began = time.monotonic()
    paged_s: dict[str, float] = {}
    severity: dict[str, str] = {}

    def look() -> dict[str, str]:
        firing = prometheus.firing()
        for name in firing.keys() - paged_s.keys():
            paged_s[name] = time.monotonic() - began
        severity.update(firing)
        return firing

    def is_told() -> bool:
        look()
        waited = fault.pages <= paged_s.keys()
        return waited and time.monotonic() - began > (fault.lasts_s if fault.pages else QUIET_S)

    def is_quiet() -> bool:
        return not look()

    fault.begin(night)
    wrong = ""
    try:
        wait_until(is_told, "it is paged", PATIENCE_S)
    except AssertionError:
        wrong = f"not paged: {', '.join(sorted(fault.pages - paged_s.keys()))}"
    mended = time.monotonic()
    fault.mend(night)
    wait_until(is_quiet, "it is quiet again", PATIENCE_S)
    quiet_s = time.monotonic() - mended
    for worker in night.workers:
        wait_until(worker.ready, f"{worker.name} is ready")
    if more := paged_s.keys() - fault.pages - fault.may:
        wrong += f" paged without a reason: {', '.join(sorted(more))}"
    return Told(fault, paged_s, severity, quiet_s, wrong.strip())


def spend_night(
    kafka: KafkaCluster, directory: Path, faults: Sequence[Fault], evening_events: int,
    events_per_s: int = EVENTS_PER_S,
) -> Iterator[Told]:  # fmt: skip
    """Two workers, producers, Prometheus; so long nothing happens, then each fault in turn."""
    (directory / "rules.yaml").write_text(RULES)
    with System(directory, kafka.address, session_timeout_ms=6_000) as system:
        system.push_rules(directory / "rules.yaml")
        workers = [system.start_worker(name) for name in ("one", "two")]
        for worker in workers:
            wait_until(worker.ready, f"{worker.name} is ready")
        ports = [one.port for one in workers]
        with Traffic(system.settings, events_per_s) as traffic, Prometheus(directory, ports) as prometheus:
            wait_until(lambda: traffic.sent >= evening_events, "the evening is over", PATIENCE_S)
            for fault in faults:
                yield go_through(Night(kafka, system, workers, traffic), prometheus, fault)
        system.wait_until_decided()


def main() -> None:
    """All faults, or those whose names hold a text; exit code 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    chosen = [fault for fault in FAULTS if parser.parse_args().only in fault.name]
    directory = Path(tempfile.mkdtemp(prefix="floodgate-night-"))
    wrong = False
    print(f"all times of the alerts are divided by {SHORTER}; an evening of {EVENING_EVENTS} events", flush=True)
    print("| what | paged, after | resolved by | quiet after |\n| --- | --- | --- | --- |", flush=True)
    with KafkaCluster() as kafka:
        for told in spend_night(kafka, directory, chosen, EVENING_EVENTS):
            wrong = wrong or bool(told.wrong)
            print(f"{told} {told.wrong}".rstrip(), flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
