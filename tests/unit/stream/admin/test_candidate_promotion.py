"""A candidate's state is handed on when nothing that it has decided is left to the others."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.admin import candidate_promotion
from engine.stream.admin.candidate_promotion import promote
from engine.stream.kafka.candidates import as_candidate, own_names
from engine.stream.kafka.topics import changelog_topic

EVENTS, LABELS, HOPS = (TopicPartition(topic, 0) for topic in ("events", "labels", "hops"))
SETTINGS = Settings(partitions=1)
BLUE = as_candidate(SETTINGS, "blue")


class Brokers:
    """Groups, whose workers go on by one message each time that they are asked for; and the ends of `hops`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.members: dict[str, int] = {}
        self.offsets: dict[str, dict[TopicPartition, int]] = {
            "floodgate": {EVENTS: 3, LABELS: 1, HOPS: 0}, "floodgate-as-blue": {EVENTS: 5, LABELS: 1},
        }  # fmt: skip
        self.records: dict[str, list[Any]] = {"events": [], "labels": []}
        self.is_running, self.ends, self.topics = True, [2, 4, 4], {"hops"}
        patch.setattr(candidate_promotion, "read_group", self._group)
        patch.setattr(candidate_promotion, "_ends", lambda *_: {HOPS: self.ends.pop(0)})
        patch.setattr(candidate_promotion, "read_all", lambda _, topic, most: self.records[topic])
        patch.setattr(candidate_promotion, "read_in_use", lambda _: None)
        patch.setattr(candidate_promotion, "_LOOK_EVERY_S", 0)
        patch.setattr(candidate_promotion, "topic_names", lambda _: self.topics)

    def _group(self, _: Settings, name: str) -> Any:
        offsets = self.offsets[name]
        if self.is_running and name == "floodgate":
            for tp in offsets:
                offsets[tp] += 1
        known = {tp: SimpleNamespace(offset=offset) for tp, offset in offsets.items()}
        return {"members": [{}] * self.members.get(name, 0)}, known


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    return Brokers(monkeypatch)


def test_the_settings_come_when_the_others_are_past_it_and_nothing_is_on_its_way(brokers: Brokers) -> None:
    told: list[str] = []
    found = promote(SETTINGS, BLUE, 5, told.append)
    assert found == {"group": "floodgate-as-blue", "topics": {"hops": "hops-as-blue"}, "data_dir": BLUE.data_dir}
    assert told[0] == "the workers that decide are 1 messages of events behind the candidate"
    assert brokers.ends == []
    assert brokers.offsets["floodgate"][HOPS] >= 4


def test_a_candidate_has_the_first_generation_of_its_own_state(brokers: Brokers) -> None:
    moved = Settings(partitions=1, state_generation=3)
    assert promote(moved, as_candidate(moved, "blue"), 5, print)["state_generation"] == 1


def test_one_that_has_learned_goes_on_with_its_own_examples_and_models(brokers: Brokers) -> None:
    brokers.topics |= {"models-as-blue"}
    topics = promote(SETTINGS, BLUE, 5, lambda _: None)["topics"]
    assert topics == {"hops": "hops-as-blue", "examples": "examples-as-blue", "models": "models-as-blue"}


def test_others_that_stand_behind_it_keep_it_from_being_promoted(brokers: Brokers) -> None:
    brokers.is_running = False
    with pytest.raises(TopicError, match="2 messages of events behind the candidate: what it has decided"):
        promote(SETTINGS, BLUE, 0, lambda _: None)


def test_what_a_candidate_may_have_decided_before_it_was_killed_counts_too(brokers: Brokers) -> None:
    """Its state is further than what it has committed."""
    brokers.records["events"] = [SimpleNamespace(partition=0, offset=offset) for offset in (5, 6, 7)]
    brokers.is_running = False
    with pytest.raises(TopicError, match="5 messages of events behind the candidate"):
        promote(SETTINGS, BLUE, 0, lambda _: None)
    brokers.is_running = True
    promote(SETTINGS, BLUE, 5, lambda _: None)
    assert brokers.offsets["floodgate"][EVENTS] >= 8


def test_a_candidate_that_runs_or_has_decided_nothing_is_not_promoted(brokers: Brokers) -> None:
    brokers.members["floodgate-as-blue"] = 2
    with pytest.raises(TopicError, match="has 2 workers: stop them first"):
        promote(SETTINGS, BLUE, 0, lambda _: None)
    brokers.members.clear()
    brokers.offsets["floodgate-as-blue"] = {}
    with pytest.raises(TopicError, match="has decided nothing"):
        promote(SETTINGS, BLUE, 0, lambda _: None)


def test_state_that_has_never_been_moved_is_of_the_first_generation(brokers: Brokers) -> None:
    moved = msgspec.structs.replace(SETTINGS, state_generation=3)
    beside = as_candidate(moved, "blue")
    assert changelog_topic(beside) == "floodgate-as-blue-entities-changelog"
    assert changelog_topic(beside) in own_names(moved, "blue").topics
    assert promote(moved, beside, 5, lambda _: None)["state_generation"] == 1
