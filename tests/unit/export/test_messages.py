"""What is in the tables: the engine's own, and labels of those who may give them."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from engine.export.messages import MessageReader
from engine.security import SecuritySettings
from engine.settings import Settings

LABEL = {"event_id": "e", "label": "spam", "ts": 1_772_452_800_000}


def read(table: str, document: Any, security: SecuritySettings | None = None) -> Any:
    value = document if isinstance(document, bytes | None) else orjson.dumps(document)
    record = SimpleNamespace(topic=table, partition=0, offset=0, key=b"k", value=value, headers=[], timestamp=0)
    return MessageReader(Settings(security=security or SecuritySettings()), table).read(record)


def test_labels() -> None:
    assert read("labels", LABEL) == LABEL
    assert read("labels", {"revokes": "a", "user_id": "u", "ts": 1_772_452_800_000}) is None
    assert read("labels", {**LABEL, "label": "maybe"}) is None


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff", b"7", b"[" * 5_000])
def test_what_is_nothing_is_passed_over(value: bytes | None) -> None:
    for table in ("decisions", "actions", "labels"):
        assert read(table, value) is None


def test_without_a_seal_it_is_nobodys_where_workers_seal() -> None:
    decision = {
        "event_id": "e", "user_id": "u", "ts": 1, "type": "post", "outcome": "none", "hits": [], "scores": {},
        "rulebook": "v", "models": {},
    }  # fmt: skip
    assert read("decisions", decision) == decision
    assert read("decisions", decision, SecuritySettings(worker_key="k" * 32)) is None
