"""What people have to look at, and what a look is worth."""

import pytest

from engine.console.following import cases
from engine.console_settings import ConsoleSettings
from engine.core.domain.events import Event
from tests.console import START_MS


def event(kind: str, **fields: object) -> Event:
    return Event("e1", kind, "u1", START_MS, {"event_id": "e1", **fields})


def test_appeals_and_reports_are_about_what_they_name() -> None:
    settings = ConsoleSettings()
    appeal = cases.of_event(event("appeal", target_event_id="e9", reason="not me", lang="de"), settings)
    assert appeal is not None
    assert (appeal["source"], appeal["event_id"], appeal["why"], appeal["language"]) == ("appeal", "e9", "not me", "de")
    report = cases.of_event(event("report"), settings)
    assert report is not None
    assert (report["source"], report["event_id"], report["is_open"]) == ("report", "e1", True)
    assert cases.of_event(event("post"), settings) is None
    assert cases.of_event(event("abuse"), ConsoleSettings(report_types=("abuse",))) is not None


def test_a_case_has_no_more_of_an_event_than_a_line() -> None:
    case = cases.of_event(event("report", text="x" * 10_000, language=["de"]), ConsoleSettings())
    assert case is not None
    assert (len(case["why"]), case["language"]) == (cases.MAX_VALUE_CHARS, "")


def test_the_most_uncertain_and_the_furthest_reaching_are_worth_most() -> None:
    assert cases.value_of(0.5, {}) == cases.value_of(None, {}) == 1.0
    assert cases.value_of(0.9, {}) == pytest.approx(0.36)
    assert cases.value_of(1.0, {"followers": 10**6}) == 0.0
    assert cases.value_of(0.5, {"followers": 1_023}) == 2.0
    assert cases.value_of(0.5, {"followers": -5, "reach": 9}) == 1.0
    assert cases.value_of(0.5, {"followers": 10**400}) < 5
    assert cases.value_of(0.5, {"followers": True}) == 1.0
