"""A candidate has names of its own, and is refused where these are in use."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from engine.errors import SettingsError
from engine.settings import Settings, load_settings
from engine.stream.kafka import candidates
from engine.stream.kafka.access import commands, roles
from engine.stream.kafka.candidates import (
    as_candidate,
    candidates_of,
    own_directory,
    own_names,
    raise_if_others_are_members,
)
from engine.stream.kafka.sealing import Seals
from engine.stream.kafka.topics import changelog_topic, topic_specs

SHARED = {"events", "labels", "models", "rulebooks"}


def promoted(name: str) -> Settings:
    """Workers that go on from the state of a candidate."""
    settings = Settings()
    topics = msgspec.structs.replace(settings.topics, hops=f"hops-as-{name}")
    return msgspec.structs.replace(settings, group=f"floodgate-as-{name}", topics=topics)


def test_all_that_a_candidate_writes_is_its_own() -> None:
    beside = as_candidate(Settings(), "blue")
    names = {spec.name for spec in topic_specs(beside)}
    assert names & {spec.name for spec in topic_specs(Settings())} == SHARED
    assert names - SHARED == own_names(Settings(), "blue").topics & names
    assert (beside.app_id, beside.consumer_group) == ("floodgate", "floodgate-as-blue")
    assert changelog_topic(beside) == "floodgate-as-blue-entities-changelog"
    assert Path(beside.data_dir) == own_directory(Settings(), "blue") != Path(Settings().data_dir)
    (worker, _) = roles(beside)
    assert not set(worker.writes) & {spec.name for spec in topic_specs(Settings())}
    assert any("--operation Delete --group floodgate-as-blue" in line for line in commands(beside, "User:{}"))


def test_one_that_learns_has_models_of_its_own() -> None:
    assert as_candidate(Settings(), "blue", learns=True).topics.models == "models-as-blue"
    assert not as_candidate(Settings(), "blue").learns
    assert Settings().learns


def test_what_a_candidate_seals_is_no_action_of_those_who_decide() -> None:
    settings = load_settings(environment={"FLOODGATE_SECURITY__WORKER_KEY": "k" * 40})
    beside = as_candidate(settings, "blue")
    sealed = Seals(beside).header("actions-as-blue", b"u", b"{}")
    assert sealed is not None
    record: Any = SimpleNamespace(topic="actions-as-blue", key=b"u", value=b"{}", headers=[sealed])
    assert Seals(beside).fits(record)
    record.topic = "actions"
    assert not Seals(settings).fits(record)


def test_the_next_candidate_has_another_name_than_the_one_that_was_promoted() -> None:
    with pytest.raises(SettingsError, match="floodgate-as-blue, hops-as-blue is in use since"):
        as_candidate(promoted("blue"), "blue")
    assert as_candidate(promoted("blue"), "green").topics.hops == "hops-as-green"
    in_use = {"hops-as-blue", "floodgate-as-blue-entities-changelog"}
    assert own_names(promoted("blue"), "blue").topics.isdisjoint(in_use)
    assert own_names(Settings(), "blue").topics > in_use


def test_no_generation_of_the_state_in_use_is_left_of_a_candidate() -> None:
    """Also where these settings do not know yet which one is in use, as while state is being moved."""
    assert not [topic for topic in own_names(promoted("blue"), "blue").topics if "-entities-" in topic]
    assert "floodgate-as-green-entities-2-changelog" in own_names(promoted("blue"), "green").topics


def test_candidates_are_found_by_their_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = {"hops", "hops-as-blue", "hops-as-green", "actions-as-red", "hops-as-a.b", "hops-as-"}
    monkeypatch.setattr(candidates, "topic_names", lambda _: topics)
    assert candidates_of(Settings()) == ["blue", "green"]
    assert candidates_of(promoted("blue")) == ["green"]


@pytest.mark.parametrize(
    ("settings", "client", "told"),
    [
        (Settings(), "floodgate-as-blue", "1 of a candidate's workers are in the group floodgate: "),
        (as_candidate(Settings(), "blue"), "floodgate", "1 of workers that decide are in the group floodgate-as-blue"),
        (Settings(), "floodgate", None),
        (as_candidate(Settings(), "blue"), "floodgate-as-blue", None),
    ],
)
def test_candidates_and_those_who_decide_share_no_group(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, client: str, told: str | None
) -> None:
    monkeypatch.setattr(candidates, "read_group", lambda *_: ({"members": [{"client_id": client}]}, {}))
    if told is None:
        raise_if_others_are_members(settings)
    else:
        with pytest.raises(SettingsError, match=told):
            raise_if_others_are_members(settings)
