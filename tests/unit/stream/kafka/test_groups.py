"""What brokers know of a group, asked while they do not know it yet."""

import contextlib
from collections.abc import Iterator

import pytest
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, UnknownTopicOrPartitionError

from engine.errors import BrokerError
from engine.settings import Settings
from engine.stream.kafka import groups


class Client:
    """Fails with these, one after the other, and then answers."""

    def __init__(self, *failures: type[Exception]) -> None:
        self._failures = list(failures)

    def describe_groups(self, names: list[str]) -> dict[str, str]:
        return dict.fromkeys(names, "described")

    def list_group_offsets(self, names: list[str]) -> dict[str, str]:
        if self._failures:
            raise self._failures.pop(0)
        return dict.fromkeys(names, "offsets")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(groups, "_AGAIN_AFTER_S", 0.0)


def asked(monkeypatch: pytest.MonkeyPatch, *failures: type[Exception]) -> object:
    @contextlib.contextmanager
    def admin(_: Settings) -> Iterator[Client]:
        yield Client(*failures)

    monkeypatch.setattr(groups, "admin", admin)
    return groups.read_group(Settings(), "g")


def test_a_group_that_is_being_loaded_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, *3 * [CoordinatorLoadInProgressError]) == ("described", "offsets")


def test_it_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_LOADED_WITHIN_S", -1.0)
    with pytest.raises(BrokerError, match="the group g could not be described: CoordinatorLoadInProgress"):
        asked(monkeypatch, CoordinatorLoadInProgressError)


def test_before_the_first_start_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, CoordinatorNotAvailableError) == ({"group_state": "without workers", "members": []}, {})


def test_other_errors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokerError, match="could not be described"):
        asked(monkeypatch, UnknownTopicOrPartitionError)
