"""What records of `actions` are to a receiver: adversaries write ids and targets."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from engine.delivery.reading import ActionReader
from engine.delivery.waiting import Waiting
from engine.delivery_settings import ReceiverSettings
from engine.security import SecuritySettings
from engine.settings import Settings

ACTION = {
    "action_id": "9f0c", "ts": 1, "kind": "limit", "target": {"type": "user", "id": "anna"}, "event_id": "e",
    "user_id": "anna", "rule": "r", "reason": "r", "explanation": "x", "rulebook": "v",
}  # fmt: skip
REVOCATION = {
    **ACTION,
    "action_id": "77",
    "kind": "revoke",
    "revokes": "9f0c",
    "revoked_kind": "limit",
    "author": "mia",
}


def read(document: Any, security: SecuritySettings | None = None, **receiver: Any) -> Waiting | str:
    value = document if isinstance(document, bytes | None) else orjson.dumps(document)
    record = SimpleNamespace(topic="actions", partition=3, offset=7, key=b"anna", value=value, headers=[], timestamp=99)
    asked = ReceiverSettings("http://127.0.0.1/", "key", **receiver)
    return ActionReader(Settings(security=security or SecuritySettings()), asked).read(record)


def test_an_action_as_it_stands_on_the_topic() -> None:
    assert read(ACTION) == Waiting(3, 7, "9f0c", ("user", "anna"), 99, orjson.dumps(ACTION))


@pytest.mark.parametrize(
    "document",
    [
        None, b"", b"{", b"\xff", [], {**ACTION, "action_id": 7}, {**ACTION, "action_id": "a\r\nx-evil: 1"},
        {**ACTION, "action_id": ""}, {**ACTION, "action_id": "a.1"}, {**ACTION, "target": "anna"},
        {**REVOCATION, "revoked_kind": ["limit"]}, {**REVOCATION, "revoked_kind": {}},
    ],
)  # fmt: skip
def test_what_is_no_action_is_passed_over(document: Any) -> None:
    assert read(document) == "passed_over"


def test_without_a_seal_it_is_nobodys_where_workers_seal() -> None:
    assert read(ACTION, SecuritySettings(worker_key="k" * 32)) == "passed_over"
    assert isinstance(read(ACTION, SecuritySettings(worker_key="k" * 32, unverified="warn")), Waiting)


def test_which_are_asked_for() -> None:
    assert read({**ACTION, "kind": "mark"}) == read({**ACTION, "kind": "add"}) == "not_asked_for"
    assert read(ACTION, kinds=frozenset(["hide"])) == "not_asked_for"
    assert isinstance(read(ACTION, kinds=frozenset(["limit"])), Waiting)
    assert read(ACTION, target_types=frozenset(["event"])) == "not_asked_for"
    assert isinstance(read(ACTION, target_types=frozenset(["user"])), Waiting)


def test_a_revocation_comes_to_whoever_gets_what_it_takes_back() -> None:
    assert isinstance(read(REVOCATION), Waiting)
    assert isinstance(read(REVOCATION, kinds=frozenset(["limit"])), Waiting)
    assert read(REVOCATION, kinds=frozenset(["hide"])) == "not_asked_for"
    assert read({**REVOCATION, "revoked_kind": "add"}) == "not_asked_for"
