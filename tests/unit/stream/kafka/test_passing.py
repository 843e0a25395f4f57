"""Brokers that cannot say yet are asked again."""

import pytest
from kafka.errors import (
    LeaderNotAvailableError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from engine.stream.kafka import passing
from engine.stream.kafka.passing import raise_if_unknown_yet, until_it_passes


def test_what_does_not_pass_is_raised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "_AGAIN_AFTER_S", 0.0)
    errors = [RequestTimedOutError(), LeaderNotAvailableError(), TopicAuthorizationFailedError(), ValueError()]

    def ask() -> str:
        if errors:
            raise errors.pop(0)
        return "answered"

    for kind in (TopicAuthorizationFailedError, ValueError):
        with pytest.raises(kind):
            until_it_passes(ask)
    assert until_it_passes(ask) == "answered"


def test_a_topic_that_a_broker_has_not_heard_of_yet_has_no_id() -> None:
    raise_if_unknown_yet([])
    for code in (0, TopicAuthorizationFailedError.errno, 31_000):
        raise_if_unknown_yet([{"error_code": code, "name": "events"}])
    with pytest.raises(UnknownTopicOrPartitionError, match="labels"):
        raise_if_unknown_yet([{"error_code": 0, "name": "events"}, {"error_code": 3, "name": "labels"}])
