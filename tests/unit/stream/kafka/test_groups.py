"""What brokers know of a group, asked while they do not know it yet."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    GroupIdNotFoundError,
    KafkaConnectionError,
    NotCoordinatorError,
)

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka import groups, passing

DESCRIBED = {"group_state": "Stable", "members": ["one"], "error": None}
NOBODY = {"group_state": "without workers", "members": []}
THERE, MISSING, HIDDEN = 0, 3, 29
"""What brokers say of a topic that exists, that does not, and that one may not see."""
FOR_A_WHILE = [
    CoordinatorLoadInProgressError, CoordinatorNotAvailableError, KafkaConnectionError, NotCoordinatorError
]  # fmt: skip


class Brokers:
    """Describe a group with these errors, one after the other, and fail with those; then they answer. `topic`: what
    they say of the topic that groups are kept on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told, self.failures, self.clients = list[type[Exception]](), list[type[Exception]](), 0
        self.topic = THERE
        monkeypatch.setattr(groups, "admin", self._admin)
        monkeypatch.setattr(passing, "_AGAIN_AFTER_S", 0.0)

    @contextlib.contextmanager
    def _admin(self, _: Settings) -> Iterator["Brokers"]:
        self.clients += 1
        yield self

    def describe_groups(self, names: list[str]) -> dict[str, Any]:
        error = str(self.told.pop(0)("here")) if self.told else None
        return dict.fromkeys(names, {"group_state": "", "members": [], "error": error} if error else DESCRIBED)

    def list_group_offsets(self, names: list[str]) -> dict[str, str]:
        if self.failures:
            raise self.failures.pop(0)("there")
        return dict.fromkeys(names, "offsets")

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"name": name, "error_code": self.topic} for name in names]


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    return Brokers(monkeypatch)


@pytest.mark.parametrize("topic", [THERE, HIDDEN])
def test_what_passes_is_asked_for_again_with_a_client_that_remembers_no_coordinator(
    brokers: Brokers, topic: int
) -> None:
    brokers.failures, brokers.topic = FOR_A_WHILE.copy(), topic
    assert groups.read_group(Settings(), "g") == (DESCRIBED, "offsets")
    assert brokers.clients == len(FOR_A_WHILE) + 1
    brokers.failures = FOR_A_WHILE.copy()
    assert groups.read_offsets(Settings(), "g") == "offsets"


def test_a_group_that_cannot_be_described_yet_is_not_taken_for_one_without_members(brokers: Brokers) -> None:
    brokers.told = [CoordinatorLoadInProgressError, CoordinatorNotAvailableError]
    assert groups.read_group(Settings(), "g") == (DESCRIBED, "offsets")


def test_it_is_not_asked_for_ever(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "_PASSES_WITHIN_S", -1.0)
    for read in (groups.read_group, groups.read_offsets):
        brokers.failures = [CoordinatorNotAvailableError]
        with pytest.raises(BrokerError, match=r"the group g could not .*CoordinatorNotAvailable.* has a leader"):
            read(Settings(), "g")


def test_where_there_has_never_been_one_there_is_nothing(brokers: Brokers) -> None:
    brokers.told, brokers.failures = [GroupIdNotFoundError], [GroupIdNotFoundError] * 2
    assert groups.read_group(Settings(), "g") == (NOBODY, {})
    assert groups.read_offsets(Settings(), "g") == {}


def test_where_no_group_can_have_been_that_is_told_at_once(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "_AGAIN_AFTER_S", 1e9)
    brokers.topic, brokers.failures = MISSING, [CoordinatorNotAvailableError] * 2
    assert groups.read_group(Settings(), "g") == (NOBODY, {})
    assert groups.read_offsets(Settings(), "g") == {}


def test_other_errors_are_told(brokers: Brokers) -> None:
    brokers.failures = [GroupAuthorizationFailedError]
    with pytest.raises(BrokerError, match="could not be described"):
        groups.read_offsets(Settings(), "g")
    brokers.told = [GroupAuthorizationFailedError]
    with pytest.raises(BrokerError, match="could not be described"):
        groups.read_group(Settings(), "g")
    assert brokers.clients == 2
