"""What `deploy/compose.yaml` tells Kafka is enough for a worker: on Kafka itself, with its own defaults beside."""

from pathlib import Path

import yaml

from engine.dev.kafka.cluster import KafkaCluster
from tests.system import RULEBOOKS, System, wait_until

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"

DEFAULTS = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "min.insync.replicas": "1",
}
"""Kafka's own, which a cluster for tests would set otherwise."""

PLACES = ("listeners", "advertised", "controller", "process.roles", "node.id")
"""Where it listens, and who it is: the cluster's own."""


def settings_of_compose() -> dict[str, str]:
    """As Kafka's own file has them."""
    environment = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["kafka"]["environment"]
    told = {name.removeprefix("KAFKA_").lower().replace("_", "."): str(value) for name, value in environment.items()}
    return {name: value for name, value in told.items() if not name.startswith(PLACES)}


def test_a_worker_decides_events_on_kafka_as_compose_sets_it(kafka: KafkaCluster, tmp_path: Path) -> None:
    more = DEFAULTS | settings_of_compose()
    with KafkaCluster(more=more) as cluster, System(tmp_path, given=cluster.address) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")


def test_a_worker_that_cannot_start_says_why_in_its_last_line(kafka: KafkaCluster, tmp_path: Path) -> None:
    """Kafka's defaults ask for three nodes, and there is one."""
    more = {**settings_of_compose(), "transaction.state.log.replication.factor": "3"}
    with KafkaCluster(more=more) as cluster, System(tmp_path, given=cluster.address) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        assert worker.wait_until_ended() == 1
        last = worker.reason
        assert last.startswith(
            "floodgate: the worker has ended: the brokers have given no transactional ids within 6 s"
        )
        assert "`transaction.state.log.replication.factor`" in last
