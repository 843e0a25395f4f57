"""Events in what is not quite JSON are decided: who writes the texts must not be free because of what they write."""

import json
from contextlib import suppress

import orjson
import pytest

from engine.core.domain.events import FieldMapping
from engine.errors import EventError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.malformed import MAX_DEPTH, read_malformed
from engine.stream.handlers.messages import decode_event
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.costs import cost_by_length

BEFORE, AFTER = b'{"event_id":"e","type":"post","user_id":"u","ts":1760000000000,"text":', b"}"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'"\\ud83d"', "?"), (b'"a\\udc00b"', "a?b"), (b'"caf\xe9"', "caf\ufffd"), (b'"a\x01b\nc"', "a\x01b\nc"),
        (b"NaN", []), (b"-Infinity", []), (b"1e999", []), (b"9" * 5_000, []),
        (b"1" * 25, 1.1111111111111112e24),
        (b"[" * 2_000 + b"]" * 2_000, None),
    ],
)  # fmt: skip
def test_what_a_sender_can_write_does_not_exempt_an_event(written: bytes, read: object) -> None:
    event = decode_event(BEFORE + written + b',"more":"\\ud83d"' + AFTER, FieldMapping(), 1_000_000, 1_760_000_000_000)
    assert event.user_id == "u"
    assert "message" in event.fields["invalid_fields"]
    if isinstance(read, str):
        assert event.fields["text"] == read
    elif len(written) < 4_000 or read is None:
        assert type(event.fields.get("text")) is not str
    orjson.dumps(event.fields)  # it can travel


def test_a_byte_order_mark_is_no_matter() -> None:
    assert decode_event(b"\xef\xbb\xbf" + BEFORE + b'"x"' + AFTER, FieldMapping(), 1_000).fields["text"] == "x"


def test_what_is_nested_too_deeply_is_left_out_and_the_rest_is_read() -> None:
    deep = b'{"a":' * 3_000 + b"1" + b"}" * 3_000
    found = read_malformed(b'{"first": [1, "]}\\"["], "deep": ' + deep + b', "last": "NaN", "not": NaN}')
    assert isinstance(found, dict)
    assert found["first"] == [1, ']}"[']
    assert (found["last"], found["not"]) == ("NaN", [])
    depth, inner = 0, found["deep"]
    while inner is not None:
        depth, inner = depth + 1, inner["a"]
    assert depth == MAX_DEPTH - 1


@pytest.mark.parametrize(
    "data", [b"", b"{", b'"', b'{"a": "', b"{]", b"\\", b'{"a":1}}', b"[" * 100_000, b'"\\"' * 50_000]
)
def test_what_is_no_json_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(EventError):
        read_malformed(data)


def test_it_takes_time_in_proportion_to_the_message() -> None:
    for piece in (b'"\\"', b"\\ud83d", b"[", b"{}", b'"', b"\\", b'{"a":'):
        with cost_by_length(), suppress(EventError):
            read_malformed(piece * (1_000_000 // len(piece)))


def test_json_is_read_as_ever() -> None:
    document = {"event_id": "e", "type": "post", "user_id": "u", "ts": 1, "x": [1.5, None, {"y": "\u00e9\U0001f600"}]}
    assert read_malformed(json.dumps(document).encode()) == document


SPENT = """
version: 1
fields: {amount: number}
counters: {spent_1d: {sum: amount, of: payment, by: user_id, over: 1d}}
rules:
  small: {event: payment, when: [spent_1d < 10], then: {flag: small}}
  big: {event: payment, when: [spent_1d > 100], then: {flag: big}}
"""


@pytest.mark.parametrize("amount", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_an_amount_that_cannot_be_read_is_not_taken_for_none(amount: str) -> None:
    engine = OfflineEngine(load_rulebook({"rules.yaml": SPENT}), Settings())
    events = [
        f'{{"event_id":"e{at}","type":"payment","user_id":"u","ts":{1_760_000_000_000 + at},"amount":{said}}}'.encode()
        for at, said in enumerate([amount, "60", "60", amount])
    ]
    messages = engine.run([Arrival("event", 0, event) for event in events])
    acted = [orjson.loads(one.value) for one in messages if one.topic == "actions"]
    assert [(action["rule"], action["event_id"]) for action in acted] == [("big", "e2"), ("big", "e3")]
