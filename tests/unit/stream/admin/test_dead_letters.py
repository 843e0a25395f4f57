"""Which dead letters are meant, which can be sent again, and how they are."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError

from engine.errors import PublishError
from engine.settings import Settings
from engine.stream.admin import dead_letters
from engine.stream.admin.dead_letters import (
    DeadLetter,
    DeadLetterQuery,
    obstacle,
    read_dead_letter,
    read_dead_letters,
    send_again,
)
from engine.stream.handlers.messages import DEAD_LETTER_BYTES, MAX_DEAD_LETTER_KEY_BYTES, dead_letter
from engine.stream.kafka import records
from tests.unit.stream.broker import Producer, topics_of
from tests.unit.stream.signed import entry, listed, person, secured

SETTINGS = Settings()
ANN = person("ann")


def record(
    number: int = 5, topic: str = "events", key: bytes | None = b"ann", value: bytes | None = b"{}", reason: str = "why"
) -> Any:
    made = dead_letter("dead-letters", (topic, 3, 17), key, value, reason, "told")
    return SimpleNamespace(offset=number, timestamp=100, headers=made.headers, key=made.key, value=made.value)


def letter(**changes: Any) -> DeadLetter:
    found = read_dead_letter(record(**changes))
    assert found is not None
    return found


def test_what_a_worker_wrote_is_read() -> None:
    found = letter()
    assert found[:6] == (5, 100, "events", 3, 17, 2)
    assert (found.reason, found.error, found.key, found.value) == ("why", "told", b"ann", b"{}")
    assert found.is_whole


@pytest.mark.parametrize(
    ("name", "value"),
    [("partition", b"x"), ("offset", b"-1"), ("length", b"1" * 20), ("offset", "\u0661".encode()), ("topic", None)],
)
def test_what_is_no_dead_letter_is_passed_over(name: str, value: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = record()
    foreign.headers = [(key, value if key == name else said) for key, said in foreign.headers]
    if value is None:
        foreign.headers = [pair for pair in foreign.headers if pair[0] != name]
    bare = SimpleNamespace(offset=1, timestamp=1, headers=None, key=None, value=None)
    monkeypatch.setattr(dead_letters, "read_all", topics_of({"dead-letters": [foreign, bare, record(7)]}))
    assert [one.number for one in read_dead_letters(SETTINGS, DeadLetterQuery())] == [7]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (DeadLetterQuery(), True),
        (DeadLetterQuery(frozenset([5, 6])), True),
        (DeadLetterQuery(frozenset([6])), False),
        (DeadLetterQuery(topic="events"), True),
        (DeadLetterQuery(topic="labels"), False),
        (DeadLetterQuery(reason="why"), True),
        (DeadLetterQuery(reason="wh"), False),
        (DeadLetterQuery(since_ms=100), True),
        (DeadLetterQuery(since_ms=101), False),
        (DeadLetterQuery(frozenset([5]), reason="other"), False),
    ],
)
def test_those_are_meant_that_fit_all_that_is_given(wanted: DeadLetterQuery, fits: bool) -> None:
    assert wanted.fits(letter()) is fits
    assert bool(wanted) is (wanted != DeadLetterQuery())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": b"x" * (DEAD_LETTER_BYTES + 1)}, "it has 16384 of 16385 bytes"),
        ({"value": None}, "nothing of it is kept"),
        ({"topic": "hops"}, "run the command again"),
        ({"topic": "rulebooks"}, "run the command again"),
        ({"key": b"k" * MAX_DEAD_LETTER_KEY_BYTES}, "its key may be cut"),
    ],
)
def test_what_is_not_whole_or_not_for_us_is_refused(changes: Any, told: str) -> None:
    found = obstacle(SETTINGS, letter(**changes), is_named=True)
    assert found is not None
    assert told in found


def test_other_bytes_of_the_same_length_are_not_the_original() -> None:
    found = letter()._replace(value=b"[]")
    assert not found.is_whole
    assert obstacle(SETTINGS, found, is_named=True) is not None


def test_what_is_as_long_as_can_be_kept_is_whole() -> None:
    assert obstacle(SETTINGS, letter(value=b"x" * DEAD_LETTER_BYTES), is_named=False) is None


def test_nobody_signs_a_label_that_was_not_meant_by_itself() -> None:
    ann = secured(SETTINGS, publisher="ann", publisher_key=ANN.private)
    label = letter(topic="labels")
    assert obstacle(SETTINGS, label, is_named=False) is None
    assert obstacle(ann, label, is_named=True) is None
    assert "in your name" in (obstacle(ann, label, is_named=False) or "")
    assert obstacle(ann, letter(), is_named=False) is None


class Sender(Producer):
    def partitions_for(self, _: str) -> set[int]:
        return {0, 1, 2, 3}


def test_originals_go_where_they_stood_when_they_were_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Sender()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    send_again(SETTINGS, [letter(), letter(key=None), letter(key=None)._replace(partition=9)])
    assert [(one.topic, one.value, one.key, one.partition, one.timestamp_ms) for one in client.sent] == [
        ("events", b"{}", b"ann", None, 100), ("events", b"{}", None, 3, 100), ("events", b"{}", None, None, 100),
    ]  # fmt: skip
    assert client.closed == 1


def test_labels_are_signed_and_refused_where_the_workers_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Sender()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    who = listed(tmp_path / "publishers.yaml", {"ann": entry(ANN, may=["label"])})
    ann = secured(SETTINGS, publishers_file=who, publisher="ann", publisher_key=ANN.private)
    send_again(ann, [letter(topic="labels"), letter()])
    assert [bool(dict(one.headers).get("signature")) for one in client.sent] == [True, False]
    with pytest.raises(PublishError):
        send_again(secured(SETTINGS, publishers_file=who), [letter(topic="labels")])


def test_what_the_broker_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "producer", lambda *_, **__: Sender(KafkaError("full")))
    with pytest.raises(PublishError, match="full"):
        send_again(SETTINGS, [letter()])
