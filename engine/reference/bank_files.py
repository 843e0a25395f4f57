"""Pictures of banks that are more than a rulebook can carry, in files of one directory. A file that is replaced is read
anew."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from engine.core.values.banks import Bank
from engine.core.values.near_hashes import HASH_BYTES, NearHashes, words_of
from engine.keys.hash_files import Listed, read_hashes

MAX_HASHES = 5_000_000
"""Of one file: 113 bytes of memory each."""

_MAX_FILE_BYTES = 2 << 30
_DIGITS = 2 * HASH_BYTES


class _Stamp(NamedTuple):
    """What tells one file of a name from the next."""

    inode: int
    size: int
    changed_ns: int


class BankFiles:
    """Those of a directory that banks name. `errors`: of files that cannot be read."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._banks: tuple[Bank, ...] = ()
        self._read: dict[str, tuple[_Stamp, NearHashes]] = {}
        self._refused: dict[str, _Stamp] = {}
        self.errors: dict[str, str] = {}

    def use(self, banks: Iterable[Bank]) -> None:
        """Let these banks, and no others, have what is in their files from now on, as far as they are there."""
        self._banks = tuple(bank for bank in banks if bank.data is not None)
        named = {bank.data for bank in self._banks}
        self._read = {name: read for name, read in self._read.items() if name in named}
        self.read()
        self.show()

    def read(self) -> None:
        """Read what has come, or is another file than before: it may take seconds, and may be done in a thread. What
        cannot be read is left out: the file before it stays in use."""
        for name in sorted({bank.data for bank in self._banks if bank.data is not None}):
            self._read_if_new(name)

    def show(self) -> None:
        """Let the banks have what has been read."""
        for bank in self._banks:
            if bank.data in self._read:
                bank.stand_on(self._read[bank.data][1])

    def missing(self) -> list[str]:
        """Those that are not there."""
        return sorted({bank.data for bank in self._banks if bank.data is not None} - self._read.keys())

    def counts(self) -> dict[str, int]:
        """How many pictures each file has that is there."""
        return {name: len(hashes) for name, (_, hashes) in self._read.items()}

    def _read_if_new(self, name: str) -> None:
        path, known = self._directory / name, self._read.get(name)
        if Path(name).name != name:  # a rulebook names files and no paths
            return
        try:
            found = path.stat()
        except OSError:
            return  # one that was there stays in use
        stamp = _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp in (known[0] if known is not None else None, self._refused.get(name)):
            return
        try:
            hashes = NearHashes(words_of(_bytes_of(path)))
        except (OSError, ValueError) as error:  # the second: what is no hash, or no text
            self._refused[name] = stamp
            self.errors[name] = str(error)
            return
        self.errors.pop(name, None)
        self._read[name] = stamp, hashes


def _bytes_of(path: Path) -> bytes:
    """The hashes of a file, one behind the other. Raises ValueError."""
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise ValueError(f"it is longer than {_MAX_FILE_BYTES >> 30} GB")
    text = path.read_text("utf-8-sig")
    if path.suffix == ".txt" and text.isascii() and {*map(len, text.split("\n"))} <= {0, _DIGITS}:
        data = bytes.fromhex(text)  # one a line and nothing else: read at once
    else:
        data = b"".join(map(_of_line, read_hashes(path.name, text)))
    if len(data) > MAX_HASHES * HASH_BYTES:
        raise ValueError(f"it has more than {MAX_HASHES:,} hashes")
    return data


def _of_line(found: object) -> bytes:
    if not isinstance(found, Listed):
        raise ValueError(f"line {getattr(found, 'line', 0)}: {getattr(found, 'message', '')}")
    return bytes.fromhex(found.hash)
