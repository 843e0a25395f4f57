"""Records of topics become rows, whoever has written them."""

from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from engine.console.following.rows import MAX_TEXT_CHARS, MOST_OF_A_KIND, RowMaker
from engine.console.store.database import Store
from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, HITS, LABELS, MENTIONS, REVOCATIONS
from engine.console.store.recording import record
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.admin.revocation import compensation
from engine.stream.handlers.messages import VERSION
from tests.console import START_MS

DECISION = {
    "event_id": "e1", "user_id": "u1", "ts": START_MS, "type": "post", "outcome": "act",
    "scores": {"spam": 0.4, "ads": 0.9},
    "hits": [{"rule": "flood", "mode": "enforce", "effect": "acted", "clauses": []}], "rulebook": "r1", "models": {},
}  # fmt: skip
ACTION = {
    "action_id": "a1", "ts": START_MS, "kind": "limit", "target": {"type": "user", "id": "u1"}, "event_id": "e1",
    "user_id": "u1", "rule": "flood", "reason": "fast", "explanation": "11 > 10", "rulebook": "r1", "area": "spam",
}  # fmt: skip


class Record(NamedTuple):
    """As a consumer gives it."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int = 0
    offset: int = 7
    timestamp: int = START_MS
    headers: Any = ()


def never(user_id: str, ts: int) -> bool:
    return False


def rows_of(
    topic: str, document: Any, settings: Settings | None = None, **more: Any
) -> dict[Any, list[dict[str, Any]]]:
    value = document if isinstance(document, bytes) else orjson.dumps(document)
    return RowMaker(settings or Settings(), never).rows([Record(topic, value, **more)])


def test_an_event_is_read_as_the_engine_reads_it() -> None:
    settings = msgspec.convert({"events": {"fields": {"user_id": "actor.id"}}}, Settings)
    event = {
        "event_id": "e1", "type": "post", "actor": {"id": "u1"}, "ts": START_MS, "device_id": "d1", "ip": "10.1.2.3",
        "text": "look at https://shop.bad.example/x",
    }  # fmt: skip
    rows = rows_of("events", event, settings)
    (row,) = rows[EVENTS]
    assert (row["user_id"], row["ts"], row["partition"], row["offset"]) == ("u1", START_MS, 0, 7)
    assert orjson.loads(row["document"])["text"] == event["text"]
    named = {(mention["kind"], mention["value"]) for mention in rows[MENTIONS] if mention["kind"] != "text"}
    assert named >= {("device_id", "d1"), ("ip", "10.1.2.3"), ("url_domain", "bad.example")}


def test_a_time_that_is_not_believed_gives_way_to_the_arrival() -> None:
    event = {"event_id": "e1", "type": "post", "user_id": "u1", "ts": START_MS + 10**9}
    assert [row["ts"] for row in rows_of("events", event)[EVENTS]] == [START_MS]


def test_a_producer_whose_clock_is_years_ahead_is_not_believed_either() -> None:
    later_ms = START_MS + 10**11
    appeal = {"event_id": "e1", "type": "appeal", "user_id": "u1", "ts": later_ms}
    maker = RowMaker(Settings(), never, lambda: START_MS / 1_000)
    rows = maker.rows([Record("events", orjson.dumps(appeal), timestamp=later_ms)])
    tolerated_ms = START_MS + Settings().events.clock_tolerance_ms
    assert [row["ts"] for table in (EVENTS, CASES) for row in rows[table]] == [tolerated_ms] * 2


def test_decisions_have_their_hits_and_their_highest_score() -> None:
    rows = rows_of("decisions", DECISION)
    assert [(row["event_id"], row["score"]) for row in rows[DECISIONS]] == [("e1", 0.9)]
    assert [(row["rule"], row["effect"], row["offset"]) for row in rows[HITS]] == [("flood", "acted", 7)]


def test_actions_to_agree_with_are_cases_and_revocations_are_not_actions() -> None:
    assert CASES not in rows_of("actions", ACTION)
    rows = rows_of("actions", {**ACTION, "needs": "review"})
    assert [row["action_id"] for row in rows[ACTIONS]] == ["a1"]
    assert [(case["source"], case["area"], case["event_id"]) for case in rows[CASES]] == [("agreement", "spam", "e1")]
    rows = rows_of("actions", compensation(ACTION, "ann", "a mistake", START_MS))
    assert list(rows) == [REVOCATIONS]
    assert [(row["action_id"], row["author"], row["why"]) for row in rows[REVOCATIONS]] == [("a1", "ann", "a mistake")]


def test_people_have_their_pseudonyms_in_actions_and_reviews_too() -> None:
    settings = Settings(privacy=PrivacySettings(key="k" * 40))
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    hidden = pseudonyms.of("u-secret")
    named = {**ACTION, "user_id": "u-secret", "target": {"type": "user", "id": "u-secret"}, "needs": "review"}
    review = {
        "event_id": "e1", "user_id": "u-secret", "ts": START_MS, "type": "post", "model": "spam", "score": 0.5,
        "why": "uncertain", "propensity": 0.2, "inputs": {},
    }  # fmt: skip
    acted = rows_of("actions", {**named, "tell": "you, u-secret, may not post"}, settings)
    reviewed = rows_of("review", review, settings)
    assert [case["type"] for case in reviewed[CASES]] == ["post"]
    for rows in (acted, reviewed):
        assert {row["user_id"] for some in rows.values() for row in some} == {hidden}
        assert "u-secret" not in str(rows)
    assert [row["target_id"] for row in acted[ACTIONS]] == [hidden]
    elsewhere = rows_of("actions", {**named, "target": {"type": "url_domain", "id": "bad.example"}}, settings)
    assert [row["target_id"] for row in elsewhere[ACTIONS]] == ["bad.example"]


def test_labels_are_those_of_their_moderator() -> None:
    label = {"event_id": "e1", "label": "spam", "ts": START_MS, "moderator": "ann", "policy": "scam", "propensity": 0.5}
    (row,) = rows_of("labels", label)[LABELS]
    assert (row["moderator"], row["policy"], row["propensity"], row["label"]) == ("ann", "scam", 0.5, "spam")


@pytest.mark.parametrize("topic", ["events", "decisions", "actions", "review", "labels", "rulebooks", "dead-letters"])
@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 100_000, b'{"ts": 1e999}'])
def test_what_nobody_can_read_is_passed_over(topic: str, value: bytes | None) -> None:
    maker = RowMaker(Settings(), never)
    assert maker.rows([Record(topic, value, VERSION.encode() + b"1")]) == {}
    assert maker.passed_over == 1


def test_what_an_attacker_writes_can_be_stored_and_is_bounded(store: Store) -> None:
    urls = " ".join(f"https://d{number}.example" for number in range(100))
    event = (
        b'{"event_id": "e\\ud800\\u0000", "type": "p\\u0000", "user_id": "\\udfff", "text": "%s", "device_id": "%s"}'
    )
    value = event % (urls.encode() + b"x" * 300_000, b"d" * 4_000)
    rows = rows_of("events", value)
    for row in rows[EVENTS]:
        assert len(row["document"]) < 2 * MAX_TEXT_CHARS
    kinds = [mention["kind"] for mention in rows.get(MENTIONS, [])]
    assert all(kinds.count(kind) <= MOST_OF_A_KIND for kind in set(kinds))
    with store.write() as connection:
        record(connection, rows, {})


def test_a_report_of_what_cannot_be_an_event_is_seen_and_stops_nothing() -> None:
    report = {"event_id": "e1", "type": "report", "user_id": "u1", "ts": START_MS, "target_event_id": "x" * 20_000}
    report["text"] = f"https://{'a' * 5_000}.example/"
    maker = RowMaker(Settings(), never)
    rows = maker.rows([Record("events", orjson.dumps(report))])
    assert [row["event_id"] for table in (EVENTS, CASES) for row in rows[table]] == ["e1", "e1"]
    assert maker.passed_over == 0


def test_an_event_that_is_nested_as_deeply_as_the_engine_reads_is_seen() -> None:
    nested = b'{"a":' * 900 + b"1" + b"}" * 900
    event = b'{"event_id": "e1", "type": "post", "user_id": "u1", "ts": %d, "text": "buy this", "x": %s}'
    (row,) = rows_of("events", event % (START_MS, nested))[EVENTS]
    document = orjson.loads(row["document"])
    assert (document["text"], document["user_id"], document["cut"]) == ("buy this", "u1", True)


def test_an_error_that_nobody_expected_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = RowMaker(Settings(), never)
    fail = {"decisions": lambda record, rows: 1 / 0}
    monkeypatch.setattr(maker, "_makers", {**maker._makers, **fail})
    event = orjson.dumps({"event_id": "e1", "type": "post", "user_id": "u1", "ts": START_MS})
    rows = maker.rows([Record("decisions", b"{}"), Record("events", event)])
    assert [row["event_id"] for row in rows[EVENTS]] == ["e1"]
    assert maker.passed_over == 1


def test_who_is_forgotten_is_not_taken_in() -> None:
    maker = RowMaker(Settings(), lambda user_id, ts: user_id == "u1" and ts <= START_MS)
    event = {"event_id": "e1", "type": "post", "user_id": "u1", "ts": START_MS}
    later = {**event, "event_id": "e2", "ts": START_MS + 1}
    records = [Record("events", orjson.dumps(one)) for one in (event, later)]
    assert [row["event_id"] for row in maker.rows([*records, Record("decisions", orjson.dumps(DECISION))])[EVENTS]] == [
        "e2"
    ]
