"""What is refused before anything is moved."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.moving import mover
from engine.stream.moving.copying import Survey
from engine.stream.moving.journal import Intent, Journal, has_partitions, partitions_of

SETTINGS = Settings(partitions=4)


@pytest.mark.parametrize("to", [2, 4, 6, 70_000])
def test_the_number_has_to_be_a_larger_multiple(to: int) -> None:
    with pytest.raises(TopicError, match="4 partitions cannot become"):
        mover.raise_if_impossible(SETTINGS, to)


def test_another_move_does_not_begin_while_one_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "read", lambda settings: Journal(settings, Intent(4, 16, 2), {}))
    with pytest.raises(TopicError, match="state is being moved to 16 partitions"):
        mover.move(SETTINGS, 8, print)


def test_nothing_can_be_taken_back_that_was_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "read", lambda _: None)
    with pytest.raises(TopicError, match="no state is being moved"):
        mover.roll_back(SETTINGS)


def test_what_would_be_lost_is_said() -> None:
    assert list(Survey(users=9).obstacles()) == []
    strays, outcomes = Survey(users=9, strays=2, lost=3).obstacles()
    assert strays.startswith("2 of 9 users are in another partition")
    assert outcomes.startswith("3 outcomes under way were begun by an older version")


class Written(Journal):
    """A journal in memory."""

    def _write(self, key: bytes, value: bytes) -> None:
        del key, value

    def end(self) -> None:
        raise TopicError("killed")


def test_who_dies_while_taking_back_has_copied_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a move that goes on would take an empty changelog for all of the state."""
    journal, deleted = Written(SETTINGS, Intent(4, 16, 2), {0: 70, 1: 80}), list[str]()
    monkeypatch.setattr(Journal, "read", lambda _: journal)
    monkeypatch.setattr(mover, "_grown", lambda _: [])
    monkeypatch.setattr(mover, "delete_topic", lambda _, name: deleted.append(name))
    with pytest.raises(TopicError, match="killed"):
        mover.roll_back(SETTINGS)
    assert deleted == ["floodgate-entities-2-changelog"]
    assert journal.copied == {}


def test_a_partition_that_was_written_since_it_was_copied_is_not_copied_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was deleted in between would come back."""
    monkeypatch.setattr(mover, "_ends", lambda _: {0: 70, 1: 81})
    mover._raise_if_written_since(SETTINGS, Written(SETTINGS, Intent(4, 16, 2), {0: 70}))
    with pytest.raises(TopicError, match=r"written in partition 1 after that was copied.*roll-back"):
        mover._raise_if_written_since(SETTINGS, Written(SETTINGS, Intent(4, 16, 2), {0: 70, 1: 80}))


def test_what_died_before_it_could_say_how_many_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "read", lambda _: Written(SETTINGS, Intent(4, 0, 2), {}))
    with pytest.raises(TopicError, match="killed"):  # at its end
        mover.roll_back(SETTINGS)


def described(error_code: int, *leaders: int) -> Any:
    partitions = [{"error_code": 0 if leader >= 0 else 5, "leader_id": leader} for leader in leaders]
    return SimpleNamespace(describe_topics=lambda _: [{"error_code": error_code, "partitions": partitions}])


def test_a_topic_has_grown_whether_or_not_its_brokers_are_up() -> None:
    client = described(0, 1, -1, 1, -1)
    assert (partitions_of(client, "events"), has_partitions(client, "events")) == (2, 4)
    assert has_partitions(described(3), "events") == 0
    with pytest.raises(TopicError, match="could not be looked at: error 29"):
        has_partitions(described(29), "events")
