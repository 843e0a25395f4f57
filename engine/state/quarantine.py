"""State on this worker's disk that cannot be read is put aside; the changelog has it all."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

_NOTE = "corrupted.txt"
_ASIDE = "quarantined"


def note_corruption(error: BaseException, data_dir: Path) -> bool:
    """Remember, for the next start, that RocksDB has found its files damaged. False for any other error."""
    if "Corruption:" not in str(error):  # rocksdict raises nothing more particular
        return False
    with suppress(OSError):  # the disk may be what is damaged; the worker has to end all the same
        (data_dir / _NOTE).write_text(str(error), "utf-8")
    return True


def put_aside_corrupted(data_dir: Path) -> list[str]:
    """Move the databases that a note speaks of out of the way, or all where it names none; returns their names. Those
    put aside earlier are removed: a disk has room for one of each."""
    note = data_dir / _NOTE
    if not note.exists():
        return []
    message, databases = (
        note.read_text("utf-8", "replace"),
        sorted(path for path in data_dir.rglob("*.db") if path.is_dir()),
    )
    named = [path for path in databases if f"{path}/" in message]
    aside = data_dir / _ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    moved = []
    for number, path in enumerate(named or databases):
        path.rename(aside / f"{path.name}-{int(time.time())}-{number}")
        moved.append(path.name)
    note.unlink()
    return moved
