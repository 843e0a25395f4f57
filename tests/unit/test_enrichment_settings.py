"""Settings of the stage before `events`."""

import pytest

from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.errors import SettingsError
from engine.settings import Settings, TopicNames, load_settings


def test_an_enricher_is_declared_by_its_name_alone() -> None:
    assert not EnrichmentSettings().is_used
    assert EnrichmentSettings({"pictures": EnricherSettings()}).is_used
    assert EnricherSettings().turn_s == 0.5
    assert EnricherSettings(turn_ms=30).turn_s == 0.03


@pytest.mark.parametrize("name", ["missing", "a.b", "", "a b"])
def test_names_are_those_that_rules_can_read(name: str) -> None:
    with pytest.raises(ValueError, match=r"enrichment\.enrichers"):
        EnrichmentSettings({name: EnricherSettings()})


def test_a_turn_is_no_longer_than_the_limit() -> None:
    with pytest.raises(ValueError, match="turn_ms"):
        EnricherSettings(limit_ms=100, turn_ms=101)


def test_what_the_environment_says_is_checked_too() -> None:
    with pytest.raises(SettingsError, match="max_added_bytes"):
        load_settings(None, {"FLOODGATE_ENRICHMENT__MAX_ADDED_BYTES": "1"})


def test_events_may_be_called_raw_events_where_there_is_no_stage() -> None:
    named = TopicNames(events="raw-events")
    assert Settings(topics=named).topics.events == "raw-events"
    with pytest.raises(ValueError, match="different names"):
        Settings(topics=named, enrichment=EnrichmentSettings({"pictures": EnricherSettings()}))
