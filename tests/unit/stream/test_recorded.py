"""Recorded events are found as the engine scored them, with pseudonyms and without."""

import msgspec
import orjson
import pytest

from engine.rulebook import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.recorded import Truth, cases
from tests.events import START_MS

RULES = """
version: 1
models: {spam: {texts: [text]}}
rules: {likely: {event: post, when: [score.spam > 0.9], then: {flag: x}}}
"""
HIDDEN = msgspec.structs.replace(Settings(), privacy=PrivacySettings(key="k" * 40))


@pytest.mark.parametrize("settings", [Settings(), HIDDEN], ids=["open", "hidden"])
def test_each_scored_event_is_a_case_with_its_truth(settings: Settings) -> None:
    lines = [
        orjson.dumps({"event_id": f"e{place}", "type": kind, "user_id": "ann", "ts": START_MS + place, "text": "hello"})
        for place, kind in enumerate(("post", "login", "post"))
    ]
    truth = {"e0": Truth(True, START_MS + 9), "e1": Truth(True, START_MS + 9)}
    found = list(cases(load_rulebook({"rules.yaml": RULES}), "spam", [*lines, b"no event"], truth, settings))
    assert [(one.event_id, one.ts_ms, one.spam, one.known_ms) for one in found] == [
        ("e0", START_MS, True, START_MS + 9), ("e2", START_MS + 2, None, None)
    ]  # fmt: skip
