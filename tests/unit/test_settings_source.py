"""What operators are told of a settings file, or of a setting, that cannot work."""

from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import load_settings


def _told(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "settings.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {})
    return str(caught.value).replace(str(path), "settings.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retention: 5", "there is no setting `retention`: is `retention_days` meant?"),
        ("topics: {event: x}", "there is no setting `topics.event`: is `topics.events` meant?"),
        ("zzz: 1", "there is no setting `zzz`"),
        ("enrichment: {enrichers: {x: {knd: y}}}", "`enrichment.enrichers.*.knd`: is `enrichment.enrichers.*.kind`"),
        ("delivery: {receivers: {a: {url: 'https://x'}}}", "`delivery.receivers.*.secret_file` has to be set"),
        ("partitions: many", "`partitions` is a whole number, not a text"),
        ("partitions: yes", "`partitions` is a whole number, not true or false"),
        ("brokers: ['a:1', 'b:2']", "`brokers` is a text, not a list"),
        ("events: {ts_unit: sec}", "`events.ts_unit` is auto, ms, s or iso8601, not 'sec'"),
        ("brokers: 127.0.0.1:99999", "`brokers` are host:port, separated by commas, not '127.0.0.1:99999'"),
        ("security: {ca_file: /nope}", "`security.ca_file` is not the path of a file that is there"),
        ("1: 2", "names of settings are texts"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_named_as_operators_write_it(tmp_path: Path, text: str, told: str) -> None:
    assert told in _told(tmp_path, text)
    assert "$" not in _told(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("brokers: 'a:1'\npartitions: 8\nbrokers: 'b:2'\n", "settings.yaml:3:1 cannot be read: `brokers` is set twice"),
        ("events:\n  fields: {a: b}\n  fields: {}\n", "settings.yaml:3:3 cannot be read: `fields` is set twice"),
        ("brokers: [a\n", "settings.yaml:2:1 cannot be read"),
        (b"\xff\xfe", "settings.yaml cannot be read"),
        ("hello", "settings.yaml must be a mapping of names"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    line = _told(tmp_path, text)
    assert told in line
    assert "\n" not in line


def test_a_variable_that_has_set_it_is_named() -> None:
    with pytest.raises(SettingsError, match=r"`partitions` is a whole number, .* \(set by FLOODGATE_PARTITIONS\)"):
        load_settings(environment={"FLOODGATE_PARTITIONS": "x"})
    with pytest.raises(SettingsError, match=r"`topics\.events` meant\? \(set by FLOODGATE_TOPICS__EVENT\)"):
        load_settings(environment={"FLOODGATE_TOPICS__EVENT": "x"})
