"""Moderators label while the console and the broker are killed: no label is lost, and none is doubled."""

from pathlib import Path

from engine.dev.kafka.cluster import KafkaCluster
from tests.chaos.moderation import moderate

LABELS = 600
MODERATORS = 20
MOST_KILLS = 6


def test_no_label_is_lost_or_doubled_under_kills(tmp_path: Path, kafka: KafkaCluster) -> None:
    told = moderate(tmp_path, kafka, LABELS, MODERATORS, every_s=2.0, seed=1, most_kills=MOST_KILLS)
    assert told.console_kills >= 1
    assert told.broker_kills >= 1
    assert len(told.said) == len(set(told.said)) == LABELS
    assert set(told.acknowledged) <= set(told.said)
    assert told.labelled == dict.fromkeys(told.said, 1)
