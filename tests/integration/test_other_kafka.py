"""A worker that meets another Kafka than the one its state is of: it stops, and says what to do."""

from pathlib import Path

import msgspec

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.settings import load_settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.topics import create_topics
from engine.stream.worker.state_origin import read_origin
from tests.system import RULEBOOKS, System, wait_until


def test_a_fresh_cluster_under_old_state_is_noticed(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        worker.kill()
        worker.restart()
        wait_until(worker.ready, "with the same one it goes on")
        worker.kill()

        other = BrokerProcess()
        try:
            system.settings = msgspec.structs.replace(system.settings, brokers=other.address)
            create_topics(system.settings)
            system.push_rules(RULEBOOKS / "flood")
            again = system.start_worker("one")
            assert again.wait_until_ended() == 2
            last = again.reason
            assert "is of the Kafka cluster development-" in last
            assert "move that directory away" in last
        finally:
            other.stop()


def test_a_topic_that_was_made_again_is_another_one(kafka: KafkaCluster) -> None:
    names = {"FLOODGATE_ENVIRONMENT": "again", "FLOODGATE_PARTITIONS": "1", "FLOODGATE_BROKERS": kafka.address}
    settings = load_settings(environment=names)
    create_topics(settings)
    before = read_origin(settings)
    assert before == read_origin(settings)
    with admin(settings) as client:
        client.delete_topics(["again-labels"])
        wait_until(lambda: "again-labels" not in client.list_topics(), "it is gone")
    create_topics(settings)
    after = read_origin(settings)
    assert (before.cluster, before.topics["again-events"]) == (after.cluster, after.topics["again-events"])
    assert before.topics["again-labels"] != after.topics["again-labels"]
