"""Settings: a file, the environment, and refusals that name the setting."""

from pathlib import Path

import msgspec
import pytest

from engine.console_settings import ConsoleSettings
from engine.core.domain.events import FieldMapping
from engine.errors import SettingsError
from engine.settings import load_settings


def test_the_consoles_service_levels_are_of_its_sources() -> None:
    levels = ConsoleSettings(answer_within_h={"appeal": 12}).service_levels_ms()
    assert (levels["appeal"], levels["review"]) == (12 * 3_600_000, 72 * 3_600_000)
    for wrong in ({"appeals": 1}, {"appeal": 0}):
        with pytest.raises(ValueError, match="answer_within_h"):
            ConsoleSettings(answer_within_h=wrong)


def test_a_masked_word_is_a_word() -> None:
    with pytest.raises(ValueError, match="masked_words"):
        ConsoleSettings(masked_words=("wretch", " * "))


def test_the_defaults_run_on_a_laptop() -> None:
    settings = load_settings(environment={})
    assert settings.bootstrap_servers == ["127.0.0.1:9092"]
    assert settings.web_host == "127.0.0.1"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("brokers: 'a:1, b:2'\npartitions: 12\nevents: {fields: {user_id: actor.id}, ts_unit: s}\n")
    settings = load_settings(path, {"FLOODGATE_PARTITIONS": "16", "FLOODGATE_TOPICS__EVENTS": "raw", "OTHER": "x"})
    assert settings.bootstrap_servers == ["a:1", "b:2"]
    assert (settings.partitions, settings.topics.events) == (16, "raw")
    assert settings.events.mapping().sources == {"user_id": "actor.id"}


def test_topics_are_named_in_settings_as_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("topics: {dead-letters: unusable}\nretention_days: {dead-letters: 90}\n")
    settings = load_settings(path, {"FLOODGATE_RETENTION_DAYS__DEAD_LETTERS": "60"})
    assert (settings.topics.dead_letters, settings.retention_days) == ("unusable", {"dead_letters": 60})


def test_an_environment_gives_names_of_their_own_to_what_is_not_named() -> None:
    settings = load_settings(environment={"FLOODGATE_ENVIRONMENT": "staging", "FLOODGATE_TOPICS__EVENTS": "clicks"})
    assert (settings.app_id, settings.topics.events) == ("staging-floodgate", "clicks")
    assert (settings.topics.rulebooks, settings.topics.dead_letters) == ("staging-rulebooks", "staging-dead-letters")
    named = load_settings(environment={"FLOODGATE_ENVIRONMENT": "staging", "FLOODGATE_APP_ID": "spam"})
    assert (named.app_id, named.topics.events) == ("spam", "staging-events")


def test_settings_that_are_written_down_and_read_again_are_the_same(tmp_path: Path) -> None:
    settings = load_settings(environment={"FLOODGATE_ENVIRONMENT": "staging"})
    path = tmp_path / "settings.json"
    path.write_bytes(msgspec.json.encode(settings))
    assert load_settings(path, {}) == settings


def test_ages_are_computed_where_the_settings_say_so(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("events: {computed: {account_age: {age_of: actor.created_at}}}\n")
    settings = load_settings(path, {})
    event = {"event_id": "e", "type": "post", "user_id": "u", "ts": 1_700_000_060_000, "actor": {"created_at": 1}}
    assert settings.events.mapping().read(event).fields["invalid_fields"] == ["account_age"]
    event["actor"] = {"created_at": 1_700_000_000_000}
    assert settings.events.mapping().read(event).fields["account_age"] == 60_000
    assert type(load_settings(environment={}).events.mapping()) is FieldMapping  # costs nothing where none is declared


@pytest.mark.parametrize("name", ["event_id", "user_id", "type", "ts", "text", "ip", "clock_skew", "urls", "a.b", ""])
def test_a_computed_field_takes_no_other_fields_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(f"events: {{fields: {{urls: links}}, computed: {{'{name}': {{age_of: created_at}}}}}}\n")
    with pytest.raises(SettingsError, match=rf"`events\.computed` .*`{name}`"):
        load_settings(path, {})


def test_the_verdicts_of_another_tool_are_read_as_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("labels: {fields: {event_id: d.event, label: verdict}, verdicts: {removed: spam}, ts_unit: s}\n")
    mapping = load_settings(path, {"FLOODGATE_LABELS__AS_STRING": "event_id,user_id"}).labels.mapping()
    found = mapping.translate({"d": {"event": 7}, "verdict": "removed", "ts": 1_700_000_000})
    assert found == {"event_id": "7", "label": "spam", "ts": 1_700_000_000_000}
    assert not load_settings(environment={}).labels.mapping()


def test_lists_come_from_the_environment_too() -> None:
    settings = load_settings(environment={"FLOODGATE_EVENTS__AS_STRING": "user_id,target_id"})
    assert settings.events.as_string == {"user_id", "target_id"}


def test_a_key_for_pseudonyms_is_long_enough_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789" * 4 + "\n")
    settings = load_settings(environment={"FLOODGATE_PRIVACY__KEY_FILE": str(tmp_path / "key")})
    assert settings.pseudonyms() is not None
    assert load_settings(environment={}).pseudonyms() is None
    short = load_settings(environment={"FLOODGATE_PRIVACY__KEY": "hushhush"})
    assert "hushhush" not in repr(short)
    with pytest.raises(SettingsError, match=r"shorter than 32 characters: openssl") as refused:
        short.pseudonyms()
    assert "hushhush" not in str(refused.value)


def test_the_ids_of_other_producers_are_hidden_where_they_have_them() -> None:
    settings = load_settings(
        environment={"FLOODGATE_PRIVACY__KEY": "k" * 40, "FLOODGATE_EVENTS__FIELDS__USER_ID": "actor.id"}
    )
    event = settings.events.mapping().read(
        {"event_id": "e", "type": "post", "ts": 1_700_000_000_000, "actor": {"id": "ann"}}
    )
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    pseudonyms.conceal(event)
    assert event.fields["actor"]["id"] == event.fields["user_id"] == event.user_id == pseudonyms.of("ann")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"FLOODGATE_PARTITIONS": "0"}, "partitions"),
        ({"FLOODGATE_ENVIRONMENT": "a b"}, "environment"),
        ({"FLOODGATE_PARTITIONS": "many"}, "partitions"),
        ({"FLOODGATE_PARTITION": "4"}, "partition"),
        ({"FLOODGATE_TOPICS__EVENT": "x"}, "event"),
        ({"FLOODGATE_DECISION_SAMPLE": "2"}, "decision_sample"),
        ({"FLOODGATE_SESSION_TIMEOUT_MS": "10"}, "session_timeout_ms"),
        ({"FLOODGATE_LOG_FORMAT": "xml"}, "log_format"),
        ({"FLOODGATE_BATCH_MAX_EVENTS": "10000"}, "max_batches_in_flight"),
        ({"FLOODGATE_BROKERS": " "}, "brokers"),
        ({"FLOODGATE_BROKERS": "nonsense"}, "brokers"),
        ({"FLOODGATE_BROKERS": "a:1,"}, "brokers"),
        ({"FLOODGATE_APP_ID": "a b/c"}, "app_id"),
        ({"FLOODGATE_DATA_DIR": ""}, "data_dir"),
        ({"FLOODGATE_TOPICS__EVENTS": "labels"}, "topics"),
        ({"FLOODGATE_EVENTS__MAX_FIELD_BYTES": "-5"}, "events.max_field_bytes"),
        ({"FLOODGATE_EVENTS__COMPUTED__AGE__AGE_OF": ""}, "age_of"),
        ({"FLOODGATE_EVENTS__COMPUTED__AGE__SIZE_OF": "text"}, "size_of"),
        ({"FLOODGATE_LABELS__FIELDS__VERDICT": "label"}, "`verdict`"),
        ({"FLOODGATE_LABELS__FIELDS__LABEL": ""}, "labels.fields"),
        ({"FLOODGATE_LABELS__AS_STRING": "uid"}, "`uid`"),
        ({"FLOODGATE_LABELS__VERDICTS__REMOVED": "bad"}, "verdicts"),
        ({"FLOODGATE_LABELS__VERDICTS__HAM": "spam"}, "`ham`"),
        ({"FLOODGATE_STANDBY_REPLICAS": "-3"}, "standby_replicas"),
        ({"FLOODGATE_RETENTION_DAYS__MODELS": "3"}, "retention_days"),
        ({"FLOODGATE_RETENTION_DAYS__EVENTS": "0"}, "retention_days"),
        ({"FLOODGATE_PRIVACY__FIELDS": "ip,device_id"}, "user_id"),
        ({"FLOODGATE_PRIVACY__KEY_FILE": "/nowhere"}, "privacy.key_file"),
        ({"FLOODGATE_BROKERS__X": "a", "FLOODGATE_BROKERS": "b"}, "brokers"),
    ],
)
def test_a_setting_that_cannot_work_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(environment=environment)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("- a list")
    with pytest.raises(SettingsError, match=r"settings\.yaml"):
        load_settings(path, {})
