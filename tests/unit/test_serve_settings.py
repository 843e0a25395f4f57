"""Settings of surfaces that cannot work."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.serve.process import serve
from engine.settings import Settings, load_settings


def load(tmp_path: Path, name: str = "signup", surface: dict[str, Any] | None = None, **own: Any) -> Settings:
    """As from a file."""
    surfaces = {name: {"types": ["signup"], **(surface or {})}}
    (tmp_path / "settings.yaml").write_text(f"serve: { {'surfaces': surfaces, **own}!r}")
    return load_settings(tmp_path / "settings.yaml", {})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "Sign Up"}, "names are small letters"),
        ({"surface": {"types": []}}, "names types of events"),
        ({"surface": {"types": [""]}}, "has no empty type"),
        ({"surface": {"timeout_ms": 0}}, "is 1 to 60000"),
        ({"surface": {"otherwise": "perhaps"}}, "is allow, review, challenge or deny, not 'perhaps'"),
        ({"surface": {"deny": ["Suspend!"]}}, "are kinds of actions"),
        ({"host": "0.0.0.0"}, "`serve.tokens_file` says who may ask"),
        ({"key_file": "x"}, "are set together"),
        ({"max_body_bytes": 2_000_000}, "is 1 to 1000000"),
    ],
)
def test_what_is_refused(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(tmp_path, **wrong)


def test_types_of_all_surfaces_are_answered_and_without_any_nothing_is_served(tmp_path: Path) -> None:
    assert load(tmp_path).serve.types == {"signup"}
    with pytest.raises(SettingsError, match="names nothing"):
        serve(Settings())
