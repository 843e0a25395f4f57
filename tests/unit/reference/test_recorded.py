"""Recorded tables: each event meets the rows that were known when it arrived."""

import pytest

from engine.core.domain.reference import Column, Lookup
from engine.errors import RecordingError
from engine.reference.recorded import RecordedTables, read_recorded_rows

PROFILE = Lookup("topic", "profile", "user_id", (Column("a", "plan"),))
LINES = [
    b'{"key": "ann", "fields": {"plan": "free"}, "ts": 1000}',
    b'{"key": "ann", "fields": null, "ts": 3000}',
    b'{"key": "ann", "fields": {"plan": "pro"}, "ts": 2000}',
    b'{"key": 7, "fields": {"plan": "pro"}}',
]


@pytest.mark.parametrize(
    ("key", "at_ms", "row"),
    [
        ("ann", 999, None), ("ann", 1_000, ("free",)), ("ann", 2_500, ("pro",)), ("ann", 3_000, None),
        ("7", 0, ("pro",)), ("bob", 5_000, None),
    ],
)  # fmt: skip
def test_a_row_is_as_it_was_at_a_time(key: str, at_ms: int, row: tuple[str] | None) -> None:
    tables = RecordedTables({"profile": read_recorded_rows(LINES, "profiles.jsonl")})
    assert tables.find(PROFILE, key, at_ms) == row


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"key": "ann"}', b'{"key": "ann", "fields": 5}', b"\xff"])
def test_what_is_no_row_is_told_with_its_line(line: bytes) -> None:
    with pytest.raises(RecordingError, match=r"profiles\.jsonl, line 5: .*a line is"):
        read_recorded_rows([*LINES, line], "profiles.jsonl")
