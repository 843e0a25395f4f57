"""Events come in by `intake`, and what is decided goes out by `deliver` and `export`, on Apache Kafka: each of them is
killed in the middle and started again, and nothing is lost, doubled or out of order."""

import uuid
from pathlib import Path

import orjson

from engine.dev.kafka.cluster import KafkaCluster
from tests.events import random_events
from tests.receiver import Receiver
from tests.system import RULEBOOKS, System, wait_until
from tests.ways import Deliverer, Exporting, Intake, by_target, send

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw3Kx2pYz0c1s="
EVENTS = 1_500


def test_ways_in_and_out_are_killed_on_apache_kafka(tmp_path: Path, kafka: KafkaCluster) -> None:
    made = {orjson.loads(one)["event_id"]: one for one in random_events(2 * EVENTS, seed=23)}
    values, topic = list(made.values()), f"app-{uuid.uuid4().hex[:8]}"
    receiver = Receiver(tmp_path, SECRET)
    receiver.behave(delay_s=0.01)
    receiver.start()
    with System(tmp_path, kafka.address, partitions=2) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.start_worker("one")
        intake = Intake(system, "", {"app": {"topic": topic}})
        deliverer, exporting = Deliverer(system, receiver), Exporting(system, most_rows=40)
        exporting.start()
        try:
            send(system, topic, values[:EVENTS])
            wait_until(intake.events, "some are events")
            intake.kill()
            intake.start()
            wait_until(receiver.taken, "some actions are delivered")
            deliverer.kill()
            wait_until(exporting.files, "some files are there")
            exporting.kill()
            send(system, topic, values[EVENTS:])
            deliverer.start()
            exporting.start()
            wait_until(lambda: len(system.read(system.settings.topics.events)) >= len(made), "all are events")
            system.wait_until_decided()
            published = system.actions()
            wait_until(lambda: len(by_id(receiver)) == len(published), "all actions are delivered")
        finally:
            for process in (intake, deliverer, exporting):
                process.kill()
            receiver.kill()
        events = [orjson.loads(record.value)["event_id"] for record in system.read(system.settings.topics.events)]
        assert sorted(events) == sorted(made)
        assert by_target([one["body"]["action"] for one in receiver.taken()]) == by_target(published)
        exporting.run("--once")
        assert "each offset is in one file" in exporting.run("--check")
        for table in ("decisions", "actions"):
            records = system.read(getattr(system.settings.topics, table))
            rows = [(row["kafka_partition"], row["kafka_offset"], row["event_id"]) for row in exporting.rows(table)]
            said = [(one.partition, one.offset, orjson.loads(one.value)["event_id"]) for one in records]
            assert rows == sorted(said)
            assert len(rows) > 100


def by_id(receiver: Receiver) -> dict[str, object]:
    """What it has taken."""
    return {one["id"]: one for one in receiver.taken()}
