"""Damaged databases are put aside at the next start, and nothing else is."""

from pathlib import Path

from engine.state.quarantine import note_corruption, put_aside_corrupted


def made(data_dir: Path, *names: str) -> list[Path]:
    """Databases as RocksDB keeps them: directories with files."""
    paths = [data_dir / name for name in names]
    for path in paths:
        path.mkdir(parents=True)
        (path / "CURRENT").write_text(path.name)
    return paths


def aside(data_dir: Path) -> list[str]:
    """The names of what was put aside, without the times."""
    return sorted(path.name.split("-")[0] for path in (data_dir / "quarantined").iterdir())


def test_only_what_rocksdb_says_of_its_files_is_noted(tmp_path: Path) -> None:
    assert not note_corruption(OSError("IO error: no space left on device"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert note_corruption(OSError("Corruption: a block"), tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["Corruption: a block"]


def test_a_note_that_cannot_be_written_is_no_other_error(tmp_path: Path) -> None:
    assert note_corruption(OSError("Corruption: a block"), tmp_path / "not there")


def test_without_a_note_everything_stays_where_it_is(tmp_path: Path) -> None:
    (path,) = made(tmp_path, "v1/0.db")
    assert put_aside_corrupted(tmp_path) == []
    assert (path / "CURRENT").exists()
    assert not (tmp_path / "quarantined").exists()


def test_the_database_that_a_note_names_is_put_aside_and_no_other(tmp_path: Path) -> None:
    first, _, last = made(tmp_path, "v1/1.db", "v1/11.db", "v1/2.db")
    note_corruption(OSError(f"Corruption: a block of {tmp_path}/v1/11.db/000007.sst"), tmp_path)
    assert put_aside_corrupted(tmp_path) == ["11.db"]
    assert aside(tmp_path) == ["11.db"]
    assert [(path / "CURRENT").read_text() for path in (first, last)] == ["1.db", "2.db"]


def test_where_a_note_names_none_all_are_put_aside_once(tmp_path: Path) -> None:
    made(tmp_path, "v1/1.db", "v2/1.db", "v1/0.db")
    (tmp_path / "v1/no directory.db").write_text("a file")
    note_corruption(OSError("Corruption: who knows of what"), tmp_path)
    assert sorted(put_aside_corrupted(tmp_path)) == ["0.db", "1.db", "1.db"]
    assert aside(tmp_path) == ["0.db", "1.db", "1.db"]
    assert (tmp_path / "v1/no directory.db").exists()
    made(tmp_path, "v1/0.db")
    assert put_aside_corrupted(tmp_path) == []  # the note is gone with what it was about


def test_there_is_room_for_what_was_put_aside_last(tmp_path: Path) -> None:
    for name in ("0.db", "1.db"):
        made(tmp_path, f"v1/{name}")
        note_corruption(OSError("Corruption: a block"), tmp_path)
        assert put_aside_corrupted(tmp_path) == [name]
    assert aside(tmp_path) == ["1.db"]
