"""A draft over events of a file, beside the rulebook in use."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from engine.console.trying.backtests import lines_of, try_draft
from engine.errors import RequestError
from engine.settings import Settings
from tests.console import START_MS

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
rules: {flood: {event: post, when: [posts_1m > LIMIT], then: {limit: posting}}}
"""


def rules(limit: int) -> dict[str, str]:
    return {"rules.yaml": RULES.replace("LIMIT", str(limit))}


def posts(count: int) -> bytes:
    lines = [
        orjson.dumps({"event_id": f"e{number}", "type": "post", "user_id": f"u{number // 5}", "ts": START_MS + number})
        for number in range(count)
    ]
    return b"\n\n".join(lines)


def try_on(events: bytes, labels: bytes = b"") -> tuple[dict[str, Any], list[int]]:
    told: list[int] = []

    def tell(done: int, total: int, seen: Mapping[str, Any]) -> None:
        told.append(done)

    task = {"new": rules(2), "old": rules(3), "events": events, "labels": labels, "title": "a draft"}
    return try_draft(Settings(), task, tell), told


def test_it_is_told_beside_what_is_in_use() -> None:
    label = {"event_id": "e3", "label": "spam", "ts": START_MS + 10, "user_id": "u0"}
    found, told = try_on(posts(20), orjson.dumps(label))
    (rule,) = found["comparison"]["rules"]
    assert (rule["rule"], rule["met"], rule["before"], rule["newly_met"]) == ("flood", 12, 8, 4)
    assert found["comparison"]["labelled"] == 1
    assert "a draft" in found["page"]
    assert told[0] == 0


def test_without_events_there_is_nothing_to_try() -> None:
    with pytest.raises(RequestError, match="no events"):
        try_on(b"\n \n")


def test_empty_lines_are_none() -> None:
    assert lines_of(b"a\n\n b \n") == [b"a", b"b"]
