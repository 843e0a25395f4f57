"""Topics are shown as the brokers have them, with what is wrong."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.settings import Settings
from engine.stream.kafka.clients import admin
from tests import forks
from tests.system import wait_until


def topics(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(settings, "topics", *arguments)


def run(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ, "FLOODGATE_BROKERS": settings.brokers, "FLOODGATE_ENVIRONMENT": "looked-at", "COLUMNS": "150",
    }  # fmt: skip
    return forks.run("engine.cli", [*arguments], environment)


def alter(settings: Settings, topic: str, **config: str) -> None:
    named = {name.replace("_", "."): value for name, value in config.items()}
    with admin(settings) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


def checked(settings: Settings, findings: int) -> "subprocess.CompletedProcess[str]":
    """The topics once there is so much to tell of them: Kafka says that all is done before everybody knows it."""

    def told() -> "subprocess.CompletedProcess[str] | None":
        found = topics(settings, "check")
        lines = [line for line in found.stdout.splitlines() if line.startswith(("error: ", "warning: "))]
        return found if len(lines) == findings else None

    found: subprocess.CompletedProcess[str] = wait_until(told, f"{findings} findings are told")
    return found


def look_at(broker: str, directory: Path) -> None:
    settings = Settings(brokers=broker)
    missing = topics(settings, "check")
    assert (missing.returncode, missing.stdout.count("does not exist: run `floodgate topics create`")) == (1, 11)

    events = directory / "events.jsonl"
    events.write_text('{"event_id": "e", "type": "post", "user_id": "ann", "ts": 1760000000000}')
    for command in (["feed", "--events", str(events)], ["learn", "quarantine", "eve", "--yes"]):
        refused = run(settings, *command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "does not exist. Run `floodgate topics create`" in refused.stderr
    assert topics(settings, "check").stdout == missing.stdout  # and nothing has made them

    assert topics(settings, "create").returncode == 0
    fine = checked(settings, findings=0)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "looked-at-events" in fine.stdout and "7 d" in fine.stdout

    alter(settings, "looked-at-decisions", retention_ms="3600000")
    alter(settings, "looked-at-rulebooks", cleanup_policy="delete")
    alter(settings, "looked-at-events", min_insync_replicas="2")
    bad = checked(settings, findings=3)
    assert bad.returncode == 1
    lines = bad.stdout.splitlines()
    assert any(line.startswith("warning: topic looked-at-decisions keeps messages for 0.0417 days") for line in lines)
    assert any(line.startswith("error: topic looked-at-rulebooks is cleaned by `delete`") for line in lines)
    assert any(line.startswith("error: topic looked-at-events wants 2 replicas in sync and has 1") for line in lines)
    document = json.loads(topics(settings, "check", "--json").stdout)
    assert {one["topic"] for one in document["shortcomings"]} == {
        "looked-at-decisions", "looked-at-rulebooks", "looked-at-events",
    }  # fmt: skip
    [events] = (one for one in document["topics"] if one["topic"] == "looked-at-events")
    assert (events["partitions"], events["replicas"], events["min_in_sync"]) == (8, 1, 2)


def test_the_embedded_broker(tmp_path: Path) -> None:
    with BrokerProcess() as broker:
        look_at(broker.address, tmp_path)


def test_apache_kafka(kafka: KafkaCluster, tmp_path: Path) -> None:
    look_at(kafka.address, tmp_path)


@pytest.mark.parametrize("command", ["create", "check"])
def test_without_a_broker_one_line_says_so(command: str) -> None:
    done = topics(Settings(brokers="127.0.0.1:1"), command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no Kafka broker answers at 127.0.0.1:1" in done.stderr
