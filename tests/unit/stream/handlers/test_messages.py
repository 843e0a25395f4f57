"""Messages say what they have and leave out what they have not; what JSON cannot hold is written as it can."""

from typing import Any

import orjson
import pytest

from engine.core.domain.decisions import Action, ClauseTrace, Contribution, Decision, Hit
from engine.core.domain.events import EARLIEST_MS, LATEST_MS, FieldMapping
from engine.core.values.bounds import LEAST, AtLeast
from engine.errors import EventError, RulebookError
from engine.stream.handlers.messages import (
    DEAD_LETTER_BYTES,
    MAX_DEAD_LETTER_KEY_BYTES,
    Pause,
    arrived_ms,
    dead_letter,
    decode_event,
    decode_rulebook,
    encode_action,
    encode_decision,
    note_paused,
    paused_rule,
    value_text,
)

EVENT = b'{"event_id":"e","type":"post","user_id":"u","ts":1760000000000}'
LONG = 1 << 63


def test_a_message_may_be_as_long_as_the_limit() -> None:
    assert decode_event(EVENT, FieldMapping(), len(EVENT)).user_id == "u"
    with pytest.raises(EventError, match="the limit is"):
        decode_event(EVENT, FieldMapping(), len(EVENT) - 1)
    with pytest.raises(EventError, match="no value"):
        decode_event(None, FieldMapping(), 1_000)


@pytest.mark.parametrize(
    ("line", "arrived"),
    [
        (b'{"arrived":%d}' % EARLIEST_MS, EARLIEST_MS), (b'{"arrived":%d}' % (EARLIEST_MS - 1), None),
        (b'{"arrived":%d}' % LATEST_MS, LATEST_MS), (b'{"arrived":%d}' % (LATEST_MS + 1), None),
        (b'{"arrived":1760000000000.0}', None), (b'["arrived"]', None), (b'{"arrived":', None), (b'"arrived"', None),
        (b'{"a":{"arrived":1760000000000}}', None), (b"{}", None),
    ],
)  # fmt: skip
def test_an_arrival_is_a_time_that_events_may_have(line: bytes, arrived: int | None) -> None:
    assert arrived_ms(line) == arrived


def decision(found: dict[str, Any], **more: Any) -> dict[str, Any]:
    hit = Hit("r", "enforce", "acted", (ClauseTrace("x", found, True),), more.pop("counterfactual", ""))
    one = Decision("e", "u", 5, "post", "act", (hit,), {}, "r", {}, **more)
    document: dict[str, Any] = orjson.loads(encode_decision(one))
    return document


@pytest.mark.parametrize("value", [LONG - 1, 1 - LONG, LONG, -LONG, 1 << 90, 2.5, "x", None, True])
def test_integers_beyond_64_bits_are_written_as_floats(value: Any) -> None:
    is_long = type(value) is int and not -LONG < value < LONG
    for found in ({"a": value}, {"a": value, "b": 1}, {"b": 1, "a": value}):
        read = decision(found)["hits"][0]["clauses"][0]["value"]
        one = read["a"] if len(found) > 1 else read
        assert type(one) is (float if is_long else type(value))
        assert one == (float(value) if is_long else value)
        assert len(found) == 1 or type(read["b"]) is int


def test_a_decision_says_only_what_it_has() -> None:
    bare = decision({"n": AtLeast(31)})
    assert not {"features", "contributions", "earlier", "clusters"} & set(bare)
    assert bare["hits"][0]["clauses"][0]["value"] == {LEAST: 31}
    assert "counterfactual" not in bare["hits"][0]
    full = decision(
        {}, features={"m": {"n": 1 << 90, "o": 1}}, contributions={"m": [Contribution("word", 0.5)]}, earlier=True,
        members={"ring": ["a"]}, counterfactual="at 10",
    )  # fmt: skip
    assert full["features"] == {"m": {"n": float(1 << 90), "o": 1}}
    assert full["contributions"] == {"m": [["word", 0.5]]}
    assert full["earlier"] is True
    assert full["clusters"] == {"ring": ["a"]}
    assert full["hits"][0]["counterfactual"] == "at 10"
    with pytest.raises(TypeError):
        decision({"n": object()})


def action(scope: str | None, for_ms: int | None, models: dict[str, str], **more: Any) -> dict[str, Any]:
    one = Action("a", 5, "limit", scope, "user", "u", "e", "u", "r", "many", for_ms, "told", "b", models, **more)
    document: dict[str, Any] = orjson.loads(encode_action(one))
    return document


def test_an_action_says_only_what_it_has() -> None:
    assert not {"scope", "for_ms", "model", "earlier", "needs"} & set(action(None, None, {}))
    full = action("posting", 0, {"spam": "spam-5", "scam": "scam-1"}, earlier=True, needs="review")
    told = {name: full[name] for name in ("scope", "for_ms", "model", "earlier", "needs")}
    assert told == {"scope": "posting", "for_ms": 0, "model": "spam-5,scam-1", "earlier": True, "needs": "review"}


def test_values_are_told_to_people() -> None:
    assert value_text({"a": 1, "b": None}) == "a = 1, b = None"
    assert value_text(2.5) == "2.5"
    assert value_text(95, {"risk": {"foreign": 35.0, "new_device": 60}}) == "95: foreign 35, new_device 60"


def test_a_decision_has_the_points_of_its_scores() -> None:
    clauses = (
        ClauseTrace("risk > 5", {"risk": 9}, True, {"risk": {"foreign": 9}}),
        ClauseTrace("x", {"x": True}, True),
    )
    one = Decision("e", "u", 5, "post", "act", (Hit("r", "enforce", "acted", clauses, None),), {}, "r", {})
    first, second = orjson.loads(encode_decision(one))["hits"][0]["clauses"]
    assert first["points"] == {"risk": {"foreign": 9}}
    assert "points" not in second


def test_a_rule_is_paused_until_it_is_resumed() -> None:
    assert paused_rule("paused/r") == "r"
    assert paused_rule("promoted/r") is None
    paused = {"other": Pause("ann", "", 1)}
    note_paused(paused, "r", b'{"author":"ben","note":"too many","ts":2}')
    assert paused == {"other": Pause("ann", "", 1), "r": Pause("ben", "too many", 2)}
    note_paused(paused, "r", b"null")
    note_paused(paused, "r", b"null")  # twice is no matter
    assert paused == {"other": Pause("ann", "", 1)}


@pytest.mark.parametrize("data", [b'{"sources":{"a":1}}', b'{"sources":[]}', b"{}", b"[]", b"{", b'{"sources":null}'])
def test_what_is_no_rulebook_is_refused(data: bytes) -> None:
    with pytest.raises(RulebookError, match="not a rulebook"):
        decode_rulebook(data)
    assert decode_rulebook(b'{"sources":{"a":"b"}}') == {"sources": {"a": "b"}}


def test_a_dead_letter_keeps_the_beginning_and_says_how_long_it_was() -> None:
    key, value = b"k" * (MAX_DEAD_LETTER_KEY_BYTES + 1), b"v" * (DEAD_LETTER_BYTES + 1)
    kept = dead_letter("dead", ("events", 3, 7), key, value, "too_large", "e" * 2_000)
    assert (kept.key, kept.value) == (key[:-1], value[:-1])
    headers = dict(kept.headers or ())
    assert headers["length"] == b"%d" % len(value)
    assert len(headers["error"]) == 1_000
    assert dead_letter("dead", ("events", 3, 7), None, None, "empty", "").key is None
    assert dead_letter("dead", ("events", 3, 7), b"", None, "empty", "").key == b""
