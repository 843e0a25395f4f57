"""One process at a time."""

from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.locks import only_one


def test_a_second_one_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "x.lock")
    with only_one(path, "writes"), pytest.raises(StoreError, match="another process writes already"):
        only_one(path, "writes").__enter__()
    with only_one(path, "writes"):
        pass
