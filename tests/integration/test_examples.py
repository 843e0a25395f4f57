"""The reference producer and consumer around a real worker."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from engine.stream.kafka.clients import options
from examples.consumer import open_database
from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


def started(system: System, database: Path, group: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(EXAMPLES / "consumer.py"), "--broker", system.settings.brokers]
    return subprocess.Popen([*command, "--database", str(database), "--group", group])


def entered(database: Path) -> dict[str, tuple[object, ...]]:
    """What the consumer has of each action that it has met."""
    if not database.exists():
        return {}
    found = open_database(str(database))
    try:
        return {row[0]: row[1:] for row in found.execute("SELECT action_id, kind, until_ms, revoked FROM actions")}
    finally:
        found.close()


def has_read_all(system: System, group: str) -> bool:
    topic = system.settings.topics.actions
    with KafkaConsumer(**options(system.settings), group_id=group, enable_auto_commit=False) as client:
        found = [TopicPartition(topic, number) for number in range(system.settings.partitions)]
        ends = client.end_offsets(found)
        return all((client.committed(one) or 0) == ends[one] for one in found)


def stopped(consumer: "subprocess.Popen[bytes]") -> None:
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(90) == 0


def test_each_action_is_carried_out_once_and_revocations_are_honoured(tmp_path: Path) -> None:
    database = tmp_path / "actions.db"
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.start_worker("one")
        command = [sys.executable, str(EXAMPLES / "producer.py"), "--broker", system.settings.brokers]
        told = subprocess.run(command, input=b"\n".join(random_events(1_500)), capture_output=True, check=True)
        assert told.stdout.startswith(b"published 15")
        system.wait_until_decided()
        records = system.read(system.settings.topics.actions)
        ends = {}
        for record in records:
            action = json.loads(record.value)
            ends[action["action_id"]] = record.timestamp + action["for_ms"] if "for_ms" in action else None
        assert len(ends) > 10
        assert system.read(system.settings.topics.dead_letters) == []

        consumer = started(system, database, "enforcement")
        try:
            wait_until(lambda: entered(database).keys() == ends.keys(), "all actions are carried out")
            before = entered(database)
            assert {key: until for key, (_, until, _) in before.items()} == ends
            revoked = sorted(ends)[0]
            system.run("actions", "revoke", revoked)
            wait_until(lambda: entered(database)[revoked][2] == 1, "it is taken back")
            stopped(consumer)
            after = entered(database)
            assert {key: row for key, row in after.items() if key != revoked} == {
                key: row for key, row in before.items() if key != revoked
            }

            consumer = started(system, database, "enforcement-again")  # reads all of it once more
            wait_until(lambda: has_read_all(system, "enforcement-again"), "it has read everything")
            assert entered(database) == after
            stopped(consumer)
        finally:
            consumer.kill()
            consumer.wait()
