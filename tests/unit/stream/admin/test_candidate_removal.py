"""What is left of a candidate is told apart from what has come to be in use."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.admin import candidate_removal
from engine.stream.admin.candidate_removal import Left, find_left

OWN, INCUMBENT = "floodgate-as-blue", "floodgate"
EVENTS, OTHERS = TopicPartition("events", 0), TopicPartition("events", 1)
HOPS = TopicPartition("hops-as-blue", 0)
ALL = Left(["hops-as-blue"], OWN, None)


class Brokers:
    """Two groups: their members, and how far they are."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.members = {OWN: 0, INCUMBENT: 0}
        self.offsets: dict[str, dict[TopicPartition, int]] = {OWN: {EVENTS: 5, HOPS: 9}, INCUMBENT: {EVENTS: 5}}
        patch.setattr(candidate_removal, "read_group", self._group)
        patch.setattr(candidate_removal, "topic_names", lambda _: {"hops", "hops-as-blue", "events"})

    def _group(self, _: Settings, name: str) -> Any:
        known = {tp: SimpleNamespace(offset=offset) for tp, offset in self.offsets[name].items()}
        return {"group_state": "Empty", "members": [{}] * self.members[name]}, known


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    return Brokers(monkeypatch)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of before a promotion."""
    return Settings(data_dir=str(tmp_path))


@pytest.mark.parametrize("further", [{EVENTS: 6}, {EVENTS: 5, OTHERS: 1}])
def test_what_may_be_in_use_since_a_promotion_stays(
    brokers: Brokers, settings: Settings, further: dict[TopicPartition, int]
) -> None:
    brokers.offsets[OWN] = further
    with pytest.raises(TopicError, match="blue is further than the group floodgate"):
        find_left(settings, "blue")
    assert find_left(settings, "blue", anyway=True) == ALL
    brokers.members[INCUMBENT] = 1  # somebody decides by these settings
    assert find_left(settings, "blue") == ALL


def test_what_is_not_further_than_those_who_decide_goes(brokers: Brokers, settings: Settings) -> None:
    assert find_left(settings, "blue") == ALL
    brokers.offsets[OWN] = {}
    assert find_left(settings, "blue") == ALL


@pytest.mark.parametrize("anyway", [False, True])
def test_nothing_goes_while_its_workers_run(brokers: Brokers, settings: Settings, anyway: bool) -> None:
    brokers.members[OWN] = 2
    with pytest.raises(TopicError, match="blue has 2 workers: stop them first"):
        find_left(settings, "blue", anyway=anyway)
