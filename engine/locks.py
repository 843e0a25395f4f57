"""Files that one process at a time may write to."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import StoreError


@contextmanager
def only_one(path: str, does: str) -> Iterator[None]:
    """No other process holds this lock meanwhile; one that is killed does not hold it any more. `does`: what another
    process does then, for the error. Raises StoreError where one does."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"another process {does} already") from error
        yield
    finally:
        os.close(descriptor)
