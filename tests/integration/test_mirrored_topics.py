"""Another cluster takes over, with topics that were mirrored: the same actions under the same ids, and it goes on."""

from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from engine.settings import Settings
from engine.stream.kafka.clients import options
from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System

FLOOD = RULEBOOKS / "flood"
SPAN = 3_000


def mirror(source: Settings, target: Settings, topic: str) -> None:
    """As MirrorMaker does: partition, key, value, headers and times stay, offsets do not."""
    reader = KafkaConsumer(**options(source), enable_auto_commit=False)
    writer = KafkaProducer(**options(target))
    partitions = [TopicPartition(topic, one) for one in sorted(reader.partitions_for_topic(topic) or ())]
    reader.assign(partitions)
    reader.seek_to_beginning()
    left = sum(reader.end_offsets(partitions).values()) - sum(reader.beginning_offsets(partitions).values())
    while left:
        for records in reader.poll(timeout_ms=1_000).values():
            left -= len(records)
            for one in records:
                writer.send(
                    topic, one.value, one.key, list(one.headers), partition=one.partition, timestamp_ms=one.timestamp
                )
    writer.close()
    reader.close()


def test_another_cluster_takes_over_and_acts_under_the_same_ids(tmp_path: Path) -> None:
    events = random_events(2 * SPAN)
    for name in ("home", "away"):
        (tmp_path / name).mkdir()
    with System(tmp_path / "home") as home, System(tmp_path / "away") as away:
        oracle = Oracle(FLOOD, home.settings, events)
        home.push_rules(FLOOD)
        home.start_worker("one")
        home.publish(events[:SPAN])
        home.wait_until_decided()
        before = {action["action_id"] for action in home.actions()}
        assert 10 < len(before) < len(oracle.action_ids)

        topics = home.settings.topics
        for topic in (topics.rulebooks, topics.models, topics.labels, topics.events):
            mirror(home.settings, away.settings, topic)
        away.start_worker("one")  # with an empty `data_dir`, and without the other one's changelog
        away.wait_until_decided()
        assert {action["action_id"] for action in away.actions()} == before
        away.publish(events[SPAN:])
        away.wait_until_decided()
        assert sorted(map(str, away.actions())) == sorted(map(str, oracle.actions))
        assert away.users() == oracle.users
