"""Files by offsets: what is there says how far the table is."""

from pathlib import Path

import pytest

from engine.errors import SettingsError, StoreError
from engine.export.files import Span, Table, disagreements

HOUR = 492_347
"""2026-03-02, 11 o'clock."""


def test_a_path_and_back(tmp_path: Path) -> None:
    table, span = Table(str(tmp_path), "actions"), Span(HOUR, 3, 4_100, 4_571)
    assert span.path == "day=2026-03-02/hour=11/00003-000000004100-000000004571.parquet"
    table.write(span, b"x")
    assert list(table.spans()) == [span]
    assert (tmp_path / "actions" / span.path).read_bytes() == b"x"
    with table.open(span) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_the_last_file_of_each_partition(tmp_path: Path, kind: str) -> None:
    table = Table(str(tmp_path) if kind == "local" else f"memory://{tmp_path}", "actions")
    assert table.ends(2) == {}
    for span in (Span(HOUR, 0, 0, 9), Span(HOUR + 1, 0, 10, 11), Span(HOUR + 1, 0, 12, 30), Span(HOUR - 30, 1, 0, 4)):
        table.write(span, b"")
    assert table.ends(2) == {0: Span(HOUR + 1, 0, 12, 30), 1: Span(HOUR - 30, 1, 0, 4)}
    assert table.ends(1) == {0: Span(HOUR + 1, 0, 12, 30)}
    assert len(list(table.spans())) == 4


def test_a_second_process_at_a_store_of_objects_is_noticed(tmp_path: Path) -> None:
    table, second = (Table(f"memory://{tmp_path}", "actions") for _ in range(2))
    table.write(Span(HOUR, 0, 0, 9), b"x")
    for first, last in ((0, 9), (5, 12), (0, 3), (9, 9), (2, 30)):
        with pytest.raises(StoreError, match="does another process export there"):
            second.write(Span(HOUR, 0, first, last), b"y")
    for span in (Span(HOUR, 0, 10, 12), Span(HOUR, 1, 0, 9), Span(HOUR + 1, 0, 13, 14)):
        second.write(span, b"y")
    assert list(disagreements(table.spans())) == []


def test_what_is_no_file_of_the_table_is_left_alone(tmp_path: Path) -> None:
    table = Table(str(tmp_path), "actions")
    table.write(Span(HOUR, 0, 0, 9), b"x")
    hour = tmp_path / "actions" / "day=2026-03-02" / "hour=11"
    (hour / "notes.txt").write_text("mine")
    (tmp_path / "actions" / "other").mkdir()
    (hour / ".00000-000000000010-000000000012.parquet.new").write_text("half")
    assert list(table.spans()) == [Span(HOUR, 0, 0, 9)]
    table.write(Span(HOUR, 0, 10, 11), b"y")
    assert sorted(path.name for path in hour.iterdir()) == [
        "00000-000000000000-000000000009.parquet", "00000-000000000010-000000000011.parquet", "notes.txt"
    ]  # fmt: skip


def test_overlaps_and_gaps_are_told() -> None:
    good = [Span(HOUR, 0, 5, 9), Span(HOUR + 1, 0, 10, 20), Span(HOUR, 1, 0, 3)]
    assert list(disagreements(good)) == []
    (gap,) = disagreements([*good, Span(HOUR + 2, 0, 25, 26)])
    assert gap == "offsets 21 to 24 of partition 0 are in no file"
    (overlap,) = disagreements([*good, Span(HOUR + 1, 1, 2, 7)])
    assert "have the same offsets" in overlap


def test_a_place_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"`export.to` cannot be used"):
        Table("nowhere://bucket", "actions")
