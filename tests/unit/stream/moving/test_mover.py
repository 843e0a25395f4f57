"""What is refused before anything is moved."""

import pytest

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.moving import mover
from engine.stream.moving.copying import Survey
from engine.stream.moving.journal import Intent, Journal

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
