"""What files still hold of somebody who was forgotten, and databases that nobody uses."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.settings import Settings
from engine.state.store import FORGETTING, FORGOTTEN, user_record_key, write_changes
from engine.stream.worker import rewriting
from engine.stream.worker.app import FloodgateApp
from engine.stream.worker.rewriting import Rewriting, pieces

FIRST, MIDDLE, LAST, TEXT = b"000-ann", b"500-ben", b"zzz-cem", b"text-of-ann"
USERS = [b"%03d-other" % number for number in range(1_000)]


class Files:
    """A worker's databases, and what is in their files."""

    def __init__(self, directory: Path) -> None:
        self.table = FloodgateApp(Settings(data_dir=str(directory))).entities
        self.rewriting, self.changelog_offset = Rewriting(self.table), 0

    def path(self, partition: int = 0) -> Path:
        path: Path = self.table.data.partition_path(partition)
        return path

    def database(self, partition: int = 0) -> Any:
        return self.table.data._db_for_partition(partition)

    def write(self, *changes: tuple[bytes, bytes | None], partition: int = 0) -> None:
        self.changelog_offset += 1
        write_changes(self.database(partition), changes, self.table.data.offset_key, self.changelog_offset)

    def forget(self, *names: bytes) -> None:
        self.write(*((user_record_key(name.decode()), None) for name in names), FORGETTING)

    def holding(self, *what: bytes) -> list[str]:
        files = [file for file in self.path().iterdir() if file.is_file()]
        return sorted(file.name.split("-")[0] for file in files if any(one in file.read_bytes() for one in what))

    def look(self) -> None:
        asyncio.run(self.rewriting.look())


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    """They are closed at the end, as Faust does it."""
    made = Files(tmp_path)
    yield made
    made.table.data._dbs.clear()
    gc.collect()


@pytest.mark.parametrize("settled", [False, True], ids=["in the log", "in the lowest level"])
def test_files_lose_those_who_were_forgotten(files: Files, settled: bool) -> None:
    people = [(user_record_key(name.decode()), TEXT + name) for name in (FIRST, MIDDLE, LAST)]
    files.write(*people, *((user_record_key(name.decode()), name * 20) for name in USERS))
    if settled:
        files.database().compact_range(None, None)
        assert {"MANIFEST"} < set(files.holding(FIRST, LAST))
    assert files.holding(TEXT)
    files.look()
    assert files.holding(TEXT)  # nobody was forgotten: nothing is rewritten
    files.forget(FIRST, MIDDLE, LAST)
    files.look()
    assert files.holding(FIRST, MIDDLE, LAST, TEXT) == []
    assert len(files.database().get([user_record_key(name.decode()) for name in USERS])) == len(USERS)
    assert all(files.database().get([user_record_key(name.decode()) for name in USERS]))
    assert files.database().get(FORGOTTEN) is None


def test_who_is_forgotten_meanwhile_is_lost_the_next_time(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write((user_record_key("ann"), TEXT), (user_record_key("ben"), b"text-of-ben"))
    files.forget(b"ann")
    once = iter([lambda: files.forget(b"ben")])

    def meanwhile(known: Any) -> Any:
        next(once, lambda: None)()
        return pieces(known)

    monkeypatch.setattr(rewriting, "pieces", meanwhile)
    files.look()
    assert files.database().get(FORGOTTEN) == b"%d" % files.changelog_offset
    files.look()
    assert (files.database().get(FORGOTTEN), files.holding(b"text-of-")) == (None, [])


def test_what_is_revoked_meanwhile_is_let_go(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write((user_record_key("ann"), TEXT))
    files.forget(b"ann")

    def meanwhile(_: Any) -> Any:
        files.table.data._dbs.clear()
        return [(None, None)]

    monkeypatch.setattr(rewriting, "pieces", meanwhile)
    files.look()
    gc.collect()
    assert files.database().get(FORGOTTEN)  # it can be opened, and is still to be rewritten


def test_all_keys_are_in_a_piece_and_files_of_the_lowest_level_in_one() -> None:
    files = [
        {"level": 1, "end_key": b"c"}, {"level": 2, "end_key": b"q"}, {"level": 2, "end_key": b"g"},
        {"level": 2, "end_key": b"z"}, {"level": 0, "end_key": b"zz"},
    ]  # fmt: skip
    assert list(pieces(files)) == [(None, b"g"), (b"g\0", b"q"), (b"q\0", None)]
    assert list(pieces([])) == [(None, None)]


def test_what_nobody_uses_for_a_day_is_removed(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    for partition in range(3):
        files.write((b"k", b"v"), partition=partition)
    former = files.path().with_name("former-0.db")
    former.mkdir()
    files.table.data._dbs.pop(1)
    gc.collect()
    now_s = 1_000.0
    monkeypatch.setattr("engine.stream.worker.rewriting.time.monotonic", lambda: now_s)
    files.look()
    now_s += rewriting.UNUSED_S - 1
    assert files.database(2)
    files.table.data._dbs.pop(2)
    gc.collect()
    files.look()
    assert (files.path(1).exists(), former.exists()) == (True, True)
    now_s += 1
    files.look()
    files.look()
    assert sorted(path.name for path in files.path().parent.iterdir() if path.suffix in (".db", ".gone")) == [
        files.path(0).name, files.path(2).name,
    ]  # fmt: skip


def test_what_another_process_uses_stays(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write((b"k", b"v"))
    other = files.path().with_name("other-0.db")
    other.mkdir()
    lock = other / "LOCK"
    lock.touch()
    held = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    monkeypatch.setattr(rewriting, "UNUSED_S", 0.0)
    with subprocess.Popen(
        [sys.executable, "-c", held, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        files.look()
        assert other.exists()
        process.stdin.close()
    files.look()
    assert not other.exists()
