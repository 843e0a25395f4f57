"""Brokers that go away while a command reads are told of in a line, as those are that were not there."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from engine.errors import BrokerError, TopicError
from engine.settings import Settings
from engine.stream.kafka import clients
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.records import read_all


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Clients that have been closed; each has a topic, of whose end nobody tells."""
    names = list[str]()

    def end_offsets(_: Any) -> Any:
        raise KafkaTimeoutError("no answer within 30 s")

    client = SimpleNamespace(
        close=lambda: names.append("closed"), partitions_for_topic=lambda _: {0}, assign=lambda _: None,
        end_offsets=end_offsets,
    )  # fmt: skip
    monkeypatch.setattr(clients, "_connect", lambda *_, **__: client)
    yield names


def test_what_brokers_do_not_answer_to_a_reader_is_told_in_a_line(closed: list[str]) -> None:
    with pytest.raises(BrokerError, match=r"the brokers at localhost:9092 do not tell .*no answer within 30 s") as told:
        list(read_all(Settings(brokers="localhost:9092"), "labels"))
    assert isinstance(told.value.__cause__, KafkaTimeoutError)  # by which the console knows that it passes
    assert closed == ["closed"]


def test_what_else_goes_wrong_there_is_left_as_it_is(closed: list[str]) -> None:
    with pytest.raises(TopicError, match="none"), consumer(Settings()):
        raise TopicError("none")
    assert closed == ["closed"]
