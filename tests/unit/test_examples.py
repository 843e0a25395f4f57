"""The examples keep the contract: ids, revocations, ends."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from engine.stream.admin.revocation import compensation
from engine.stream.admin.schemas import topic_schema
from examples.consumer import NO_ACTION, REMEMBERED_MS, carry_out, forget, in_force, open_database
from examples.producer import event_of, publish
from tests.unit.stream.broker import Producer

HOUR_MS = 3_600_000
LIMIT = {("limit", "posting")}


def action(action_id: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "action_id": action_id, "ts": 0, "kind": "limit", "scope": "posting", "target": {"type": "user", "id": "ann"},
        "event_id": "e", "user_id": "ann", "rule": "flood", "reason": "flood", "explanation": "", "rulebook": "r",
        "for_ms": HOUR_MS, **changes,
    }  # fmt: skip


REVOCATION = compensation(action(), "mo", "", 0)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    found = open_database(":memory:")
    yield found
    found.close()


def read(database: sqlite3.Connection, *documents: dict[str, Any], published_ms: int = 0, now_ms: int = 0) -> None:
    for document in documents:
        carry_out(database, json.dumps(document).encode(), published_ms, now_ms)


def against_ann(database: sqlite3.Connection, now_ms: int = 1) -> set[tuple[str, str]]:
    return in_force(database, "user", "ann", now_ms)


def test_an_action_ends_when_its_time_since_it_was_published_is_over(database: sqlite3.Connection) -> None:
    read(database, action(), published_ms=100, now_ms=5_000)
    assert against_ann(database, 99 + HOUR_MS) == LIMIT
    assert against_ann(database, 100 + HOUR_MS) == set()
    assert in_force(database, "user", "eve", 1) == in_force(database, "device", "ann", 1) == set()


def test_an_action_waits_until_it_may_be_enforced(database: sqlite3.Connection) -> None:
    read(database, action(not_before_ms=1_000), published_ms=100)
    assert [against_ann(database, at) for at in (999, 1_000, 999 + HOUR_MS)] == [set(), LIMIT, LIMIT]
    assert against_ann(database, 1_000 + HOUR_MS) == set()


def test_an_action_that_comes_again_does_not_begin_again(database: sqlite3.Connection) -> None:
    read(database, action())
    read(database, action(), published_ms=HOUR_MS)
    assert against_ann(database, HOUR_MS) == set()


def test_without_an_end_it_stands(database: sqlite3.Connection) -> None:
    read(database, {key: value for key, value in action().items() if key != "for_ms"})
    assert against_ann(database, 10**15) == LIMIT
    forget(database, 10**15)
    assert against_ann(database, 10**15) == LIMIT


@pytest.mark.parametrize(
    "order", [(action(), REVOCATION), (REVOCATION, action()), (action(), REVOCATION, action(), REVOCATION)]
)
def test_what_is_revoked_does_not_stand_whichever_comes_first(
    order: tuple[dict[str, Any], ...], database: sqlite3.Connection
) -> None:
    read(database, *order)
    assert against_ann(database) == set()


def test_a_revocation_takes_back_one_action_and_no_other(database: sqlite3.Connection) -> None:
    read(database, action(), action("b"), REVOCATION)
    assert against_ann(database) == LIMIT


def test_what_a_person_has_to_agree_to_waits(database: sqlite3.Connection) -> None:
    read(database, action(needs="review"))
    assert against_ann(database) == set()


def test_ids_are_forgotten_when_they_cannot_come_again_and_what_stands_is_not(database: sqlite3.Connection) -> None:
    read(database, action(), REVOCATION, action("b"), action("c", for_ms=2 * REMEMBERED_MS))
    forget(database, REMEMBERED_MS)
    assert {one for (one,) in database.execute("SELECT action_id FROM actions")} == {"a", "b", "c"}
    forget(database, REMEMBERED_MS + 1)
    assert {one for (one,) in database.execute("SELECT action_id FROM actions")} == {"c"}


BROKEN: list[dict[str, Any]] = [
    {"action_id": 5}, {"kind": None}, {"scope": {}}, {"for_ms": "1h"}, {"for_ms": 2**64}, {"target": "ann"},
    {"target": {"type": "user", "id": ["ann"]}}, {"kind": "revoke", "revokes": {}},
]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [b"", b"junk", b"[]", b"{}", b'{"kind": "limit"}', b'{"kind": "revoke"}', b"\xff", b"[" * 100_000]
    + [json.dumps(action(**changes)).encode() for changes in BROKEN],
)
def test_what_is_no_action_is_refused_and_changes_nothing(value: bytes, database: sqlite3.Connection) -> None:
    with pytest.raises(NO_ACTION):
        carry_out(database, value, 0, 0)
    assert not list(database.execute("SELECT * FROM actions"))


def test_events_fit_the_schema_and_go_to_their_users() -> None:
    client: Any = Producer()
    happened = {"user_id": "ann", "type": "post", "text": "héllo"}
    assert publish(client, "events", [event_of(happened), event_of({**happened, "event_id": "e", "ts": 5})]) == 2
    first, second = (json.loads(one.value) for one in client.sent)
    for event in (first, second):
        jsonschema.validate(event, topic_schema("events"))
    assert [one.key for one in client.sent] == [b"ann", b"ann"]
    assert (second["event_id"], second["ts"], first["text"]) == ("e", 5, "héllo")
    assert client.flushed == [2]
