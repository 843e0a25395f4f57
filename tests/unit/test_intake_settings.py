"""Settings of the intake that cannot work."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.intake.process import take_in
from engine.mappings import EventSettings
from engine.settings import Settings, load_settings


def load(tmp_path: Path, name: str = "posts", registry: str = "", **source: Any) -> Settings:
    """As from a file."""
    intake = {"sources": {name: {"topic": "t", **source}}, "registry": registry}
    (tmp_path / "settings.yaml").write_text(f"intake: {intake!r}")
    return load_settings(tmp_path / "settings.yaml", {})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"format": "avro"}, "`intake.registry` has the schemas of source posts"),
        ({"format": "protobuf"}, "`intake.registry` has the schemas of source posts"),
        ({"schema_in_registry": True}, "`intake.registry` has the schemas of source posts"),
        ({"schema_in_registry": True, "format": "avro", "registry": "http://r"}, "is for JSON alone"),
        ({"schema_file": "x", "format": "protobuf", "registry": "http://r"}, "is for JSON and CloudEvents alone"),
        ({"schema_file": "x", "schema_in_registry": True, "registry": "http://r"}, "has one schema"),
        ({"name": "Posts"}, "names are small letters"),
        ({"type": "post", "types": {"a": "b"}}, "`type` or `types`, not both"),
        ({"fields": {"user_id": ""}}, "map our names to paths"),
        ({"registry": "ftp://host"}, "`intake.registry` is http"),
        ({"registry": "https://user:secret@host"}, "`intake.registry` is http"),
    ],
)
def test_what_is_refused(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(tmp_path, **wrong)


def test_events_are_not_mapped_twice(tmp_path: Path) -> None:
    settings = load(tmp_path)
    mapped = Settings(intake=settings.intake, events=EventSettings(fields={"user_id": "actor.id"}))
    with pytest.raises(SettingsError, match=r"`events.fields` and `events.computed` stay empty"):
        take_in(mapped)
    with pytest.raises(SettingsError, match="names no topics"):
        take_in(Settings())
