"""Commands read documents of the engine's own shape, and pass over whatever else somebody has written."""

from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from engine.core.domain.decisions import Action, ClauseTrace, Contribution, Decision, Hit
from engine.core.domain.events import LATEST_MS
from engine.core.values.bounds import AtLeast
from engine.settings import Settings
from engine.stream.admin import published
from engine.stream.admin.published import ACTION, DECISION, REVIEW, Shape, read_documents
from engine.stream.admin.revocation import compensation
from engine.stream.handlers.messages import encode_action, encode_decision
from engine.stream.kafka.sealing import Seals
from tests.unit.stream.signed import record, secured

ACTED = encode_action(
    Action("a1", 5, "limit", "posting", "user", "u", "e", "u", "flood", "many", 60_000, "told", "r", {"spam": "spam-5"})
)
CLAUSES = (ClauseTrace("c > 10", {"c": AtLeast(31)}, True), ClauseTrace("x", {"a": 1, "b": None}, None))
DECIDED = encode_decision(
    Decision(
        "e", "u", 5, "post", "act", (Hit("flood", "enforce", "acted", CLAUSES, "at c = 10"),), {"spam": 0.5}, "r",
        {"spam": "spam-5"}, {"spam": {"n": None}}, {"spam": [Contribution("word", 0.5)]}, members={"ring": ["a"]},
    )
)  # fmt: skip
REVIEWED = orjson.dumps({
    "event_id": "e", "user_id": "u", "ts": 5, "type": "post", "model": "spam-5", "score": None, "why": "uncertain",
    "propensity": 0.5, "inputs": {"text": "t", "n": None},
})  # fmt: skip
KINDS: list[tuple[Shape[Any], bytes]] = [(ACTION, ACTED), (DECISION, DECIDED), (REVIEW, REVIEWED)]


@pytest.mark.parametrize(("shape", "value"), KINDS, ids=["action", "decision", "review"])
def test_what_the_engine_writes_is_read_whole(shape: Shape[Any], value: bytes) -> None:
    assert shape.read(value) == orjson.loads(value)


def test_what_takes_an_action_back_is_an_action() -> None:
    value = orjson.dumps(compensation(orjson.loads(ACTED), "ann", "", 5))
    found = ACTION.read(value)
    assert found is not None
    assert found["revokes"] == "a1"


@pytest.mark.parametrize(("shape", "value"), KINDS, ids=["action", "decision", "review"])
def test_what_newer_versions_add_is_kept(shape: Shape[Any], value: bytes) -> None:
    newer = {**orjson.loads(value), "of_tomorrow": {"x": [1]}}
    assert shape.read(orjson.dumps(newer)) == newer


REQUIRED: dict[Shape[Any], Any] = {
    ACTION: published.PublishedAction,
    DECISION: published.PublishedDecision,
    REVIEW: published.PublishedReview,
}


@pytest.mark.parametrize(("shape", "value"), KINDS, ids=["action", "decision", "review"])
def test_a_document_without_one_of_its_fields_is_none(shape: Shape[Any], value: bytes) -> None:
    whole, kind = orjson.loads(value), REQUIRED[shape]
    assert len(kind.__required_keys__) >= 8
    for needed in kind.__required_keys__:
        assert shape.read(orjson.dumps({name: one for name, one in whole.items() if name != needed})) is None
    for name in kind.__optional_keys__ & whole.keys():
        assert shape.read(orjson.dumps({key: one for key, one in whole.items() if key != name})) is not None


JUNK = [
    None, b"", b"null", b"5", b'"text"', b"[]", b"{}", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"NaN",
    b'{"action_id": "\xff"}', b'{"action_id": "\\ud800"}', ACTED + b"x", ACTED[:-1],
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_no_document(junk: bytes | None) -> None:
    for shape, _ in KINDS:
        assert shape.read(junk) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ts", "5"), ("ts", None), ("ts", -1), ("ts", LATEST_MS + 1), ("ts", 10**30), ("ts", True), ("action_id", 5),
        ("action_id", ["a"]), ("user_id", None), ("target", "user"), ("target", {"type": "user"}),
        ("target", {"type": "user", "id": 5}), ("kind", {}), ("rule", "r" * 5_000), ("explanation", 5),
        ("revokes", 5), ("revokes", None),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_makes_it_none(name: str, value: Any) -> None:
    document = orjson.dumps({**orjson.loads(ACTED), name: 0}).replace(
        f'"{name}":0'.encode(), f'"{name}":'.encode() + (b"1" + b"0" * 30 if value == 10**30 else orjson.dumps(value))
    )
    assert ACTION.read(document) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hits", {}), ("hits", ["flood"]), ("hits", [{"rule": "r"}]), ("scores", {"spam": "high"}),
        ("models", ["spam"]),
        ("hits", [{"rule": "r", "mode": "enforce", "effect": "acted", "clauses": [{"text": "t", "value": 5}]}]),
        ("hits", [{"rule": "r", "mode": "enforce", "effect": "acted", "clauses": "c"}]),
        ("contributions", {"spam": [["word"]]}), ("contributions", {"spam": [["word", "much"]]}),
    ],
)  # fmt: skip
def test_a_decision_of_another_shape_is_none(name: str, value: Any) -> None:
    assert DECISION.read(orjson.dumps({**orjson.loads(DECIDED), name: value})) is None


def test_foreign_messages_are_passed_over_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [b"junk", ACTED, None, b"{}", ACTED.replace(b"a1", b"a2")]
    records = [record("actions", b"k", value, offset=at) for at, value in enumerate(values)]
    monkeypatch.setattr(published, "read_all", lambda *_: iter(records))
    with capture_logs() as told:
        found = [document["action_id"] for _, document in read_documents(Settings(), "actions", ACTION)]
    assert found == ["a1", "a2"]
    assert [entry["messages"] for entry in told if "passed over" in entry["event"]] == [3]


def test_what_is_not_looked_for_is_not_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record("actions", b"k", value) for value in (b"junk", ACTED, ACTED.replace(b"a1", b"a2"))]
    monkeypatch.setattr(published, "read_all", lambda *_: iter(records))
    with capture_logs() as told:
        found = [value for value, _ in read_documents(Settings(), "actions", ACTION, containing=b'"a2"')]
    assert found == [ACTED.replace(b"a1", b"a2")]
    assert not told


def test_where_workers_seal_what_has_no_seal_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = secured(Settings(), worker_key="k" * 40)
    seal = Seals(settings).header("actions", b"k", ACTED)
    assert seal is not None
    forged = record("actions", b"k", ACTED.replace(b"a1", b"a2"), [seal])
    records = [record("actions", b"k", ACTED, [seal]), forged, record("actions", b"k", ACTED.replace(b"a1", b"a3"))]
    monkeypatch.setattr(published, "read_all", lambda *_: iter(records))
    assert [one["action_id"] for _, one in read_documents(settings, "actions", ACTION)] == ["a1"]
    reviews = [record("review", b"k", REVIEWED)]
    monkeypatch.setattr(published, "read_all", lambda *_: iter(reviews))
    assert len(list(read_documents(settings, "review", REVIEW))) == 1  # nobody seals reviews
