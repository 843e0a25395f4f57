"""Part of `make night`: what goes wrong on Apache Kafka is paged by the project's alerts in a real Prometheus, and only
that. The whole night takes minutes."""

from pathlib import Path

import pytest

from engine.dev.kafka.cluster import KafkaCluster
from tests.night.__main__ import spend_night
from tests.night.faults import FAULTS, Fault, Night
from tests.night.prometheus import ALERTS, shortened

BUSY = {"FloodgateBrokersAway"}
"""Ten seconds without an answer, as short as a night makes it, may be because other tests are busy."""

QUICK = [fault for fault in FAULTS if fault.name in ("poisoned rulebook", "a worker's disk is full")]


def _begin(night: Night) -> None:
    for fault in QUICK:
        fault.begin(night)


def _mend(night: Night) -> None:
    for fault in QUICK:
        fault.mend(night)


AT_ONCE = Fault("both", _begin, _mend, "both", QUICK[0].pages | QUICK[1].pages)
"""One after the other, most of the time would be spent until the first is quiet: `make night` does that."""


def test_faults_are_paged_and_nothing_else(kafka: KafkaCluster, tmp_path: Path) -> None:
    (told,) = spend_night(kafka, tmp_path, [AT_ONCE], evening_events=60, events_per_s=20)
    assert len(AT_ONCE.pages) == 2
    assert told.paged_s.keys() - BUSY == AT_ONCE.pages


@pytest.mark.parametrize(
    ("alert", "short"),
    [
        ("for: 10m", "for: 60s"),
        ("increase(x[1h]) > 20", "increase(x[360s]) > 20"),
        ("time() - y_timestamp_seconds > 180 unless x > 1", "time() - y_timestamp_seconds > 18 unless x > 1"),
        ("max(floodgate_seconds_behind) > 300", "max(floodgate_seconds_behind) > 30"),
        ("for: 30s", "for: 5s"),
        ("rate(x[1d] offset 1h) > 0.001", "rate(x[8640s] offset 360s) > 0.001"),
    ],
)
def test_times_are_shortened_and_nothing_else(alert: str, short: str) -> None:
    assert shortened(alert) == short


def test_all_alerts_are_watched() -> None:
    assert shortened(ALERTS.read_text("utf-8")).count("alert: ") == ALERTS.read_text("utf-8").count("alert: ")
