"""The AsyncAPI document: complete in itself, and the same as what the topics have."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from engine.cli import main
from engine.security import SecuritySettings
from engine.settings import Settings, TopicNames
from engine.stream.admin.asyncapi import asyncapi
from engine.stream.admin.schemas import PUBLIC, topic_schema

SETTINGS = Settings(brokers="a:1,b:2", topics=TopicNames(events="raw-events"), partitions=12, publish_scores=True)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_what_it_refers_to_is_there() -> None:
    document: Any = asyncapi(SETTINGS)
    found = set(references(document))
    assert len(found) == 3 * len(PUBLIC)
    for reference in found:
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        assert part


def test_a_topic_that_is_not_published_is_left_out() -> None:
    assert asyncapi(Settings())["channels"].keys() == set(PUBLIC) - {"scores"}


def test_topics_have_their_names_keys_and_schemas() -> None:
    document = asyncapi(SETTINGS)
    assert document["channels"]["events"]["address"] == "raw-events"
    assert document["channels"]["events"]["bindings"]["kafka"]["partitions"] == 12
    for topic in PUBLIC:
        payload = document["components"]["messages"][topic]["payload"]
        Draft202012Validator.check_schema(payload)
        assert payload == topic_schema(topic)
    deeds = {name: one["action"] for name, one in document["operations"].items()}
    assert deeds == {
        "receive_events": "receive", "receive_labels": "receive", "send_actions": "send", "send_decisions": "send",
        "send_scores": "send",
    }  # fmt: skip


def test_servers_are_the_brokers() -> None:
    servers = asyncapi(SETTINGS)["servers"]
    assert [(one["host"], one["protocol"]) for one in servers.values()] == [("a:1", "kafka"), ("b:2", "kafka")]
    (secure,) = asyncapi(Settings(security=SecuritySettings(protocol="SSL")))["servers"].values()
    assert secure["protocol"] == "kafka-secure"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["topics", "asyncapi"])
    assert orjson.loads(capsys.readouterr().out) == asyncapi(Settings())
