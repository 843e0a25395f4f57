"""What a candidate has of its own is its own, and nothing else is a candidate."""

import msgspec
import pytest

from engine.candidate_settings import CandidateSettings, own_name
from engine.errors import SettingsError
from engine.settings import Settings, load_settings


@pytest.mark.parametrize("name", ["a b", "a/b", "a-as-b", "x" * 41, "é"])
def test_a_name_that_no_topic_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a candidate's name is"):
        CandidateSettings(name)


def test_what_was_a_candidates_before_takes_the_next_ones_name() -> None:
    assert own_name("hops", "blue") == "hops-as-blue"
    assert own_name("hops-as-blue", "green") == "hops-as-green"


def test_nobody_becomes_a_candidate_by_a_setting_and_writes_where_others_do() -> None:
    with pytest.raises(SettingsError, match="would disturb , actions, decisions"):
        load_settings(environment={"FLOODGATE_CANDIDATE__NAME": "blue"})
    with pytest.raises(ValueError, match="would disturb floodgate"):
        msgspec.structs.replace(Settings(), candidate=CandidateSettings("blue"), group="floodgate")
