"""Traces are off unless they are asked for, and what they cost is bounded."""

import pytest

from engine.errors import SettingsError
from engine.settings import Settings, load_settings


def test_they_are_off_unless_somebody_says_where_they_go() -> None:
    assert not Settings().traces.are_asked_for
    told = load_settings(environment={"FLOODGATE_TRACES__ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    assert told.traces.are_asked_for
    assert not told.traces.trusts_events


@pytest.mark.parametrize(
    ("name", "value"),
    [("ENDPOINT", "collector:4318"), ("ENDPOINT", "file:///etc"), ("SHARE", "2"), ("MAX_PER_SECOND", "0")],
)
def test_what_cannot_work_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"traces.{name.lower()}"):
        load_settings(environment={f"FLOODGATE_TRACES__{name}": value})
