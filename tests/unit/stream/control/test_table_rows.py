"""Rows as topics have them, for runs over events that are on topics too."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.domain.reference import Column, Lookup
from engine.core.domain.rules import Rulebook
from engine.errors import TopicError
from engine.reference.recorded import RecordedRow
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control import table_rows
from engine.stream.control.table_rows import read_tables

PROFILE = Lookup("topic", "profile", "user_id", (Column("a", "plan"),))
RULES = "version: 1\ntables: {profile: {topic: users, key: user_id, fields: {plan: text}}}\n"


def rulebook() -> Rulebook:
    return load_rulebook({"r.yaml": RULES})


def record(key: bytes | None, value: bytes | None, timestamp: int) -> Any:
    return SimpleNamespace(key=key, value=value, timestamp=timestamp)


def test_a_row_counts_from_when_it_was_written_and_the_first_from_always(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        record(b"ann", b'{"plan": "free"}', 1_000), record(b"ann", b'{"plan": "pro"}', 2_000),
        record(b"ann", b"[1]", 2_500), record(b"ann", b"{", 2_600), record(b"\xff", b"{}", 1),
        record(b"ann", None, 3_000),
    ]  # fmt: skip
    monkeypatch.setattr(table_rows, "read_all", lambda *_: records)
    tables = read_tables(Settings(), rulebook(), {})
    found = [tables.find(PROFILE, "ann", at_ms) for at_ms in (0, 1_999, 2_000, 2_999, 3_000)]
    assert found == [("free",), ("free",), ("pro",), ("pro",), None]


def test_what_is_given_is_not_read_and_a_topic_that_is_not_there_has_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise TopicError("topic users does not exist")

    monkeypatch.setattr(table_rows, "read_all", fail)
    given = read_tables(Settings(), rulebook(), {"profile": [RecordedRow("ann", {"plan": "free"})]})
    assert given.find(PROFILE, "ann", 0) == ("free",)
    assert read_tables(Settings(), rulebook(), {}).find(PROFILE, "ann", 0) is None
