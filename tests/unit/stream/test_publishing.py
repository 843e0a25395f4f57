"""Where events and labels are sent, and what is read of a topic."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import orjson
import pytest
from kafka.errors import KafkaError

from engine.errors import PublishError, TopicError
from engine.learning.snapshots import whole
from engine.mappings import LabelSettings
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream import publishing
from engine.stream.publishing import Publisher, read_all, read_models, read_since
from engine.stream.sealing import Seals
from tests.events import START_MS
from tests.unit.learning.inputs import trained
from tests.unit.stream.broker import Producer, consumer_of, topics_of
from tests.unit.stream.signed import person, record, secured

SETTINGS = Settings(partitions=3)
HIDDEN = msgspec.structs.replace(SETTINGS, privacy=PrivacySettings(key="k" * 40))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Producer:
    found = Producer()
    monkeypatch.setattr(publishing, "producer", lambda *_, **__: found)
    return found


def event(**changes: Any) -> bytes:
    return orjson.dumps({"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS, **changes})


LABEL = b'{"event_id": "e", "label": "spam"}'
EVERYWHERE = [(None, 0), (None, 1), (None, 2)]


def places(client: Producer, topic: str = "labels") -> list[tuple[bytes | None, int | None]]:
    return [(one.key, one.partition) for one in client.sent if one.topic == topic]


@pytest.mark.parametrize(
    ("value", "key", "arrived"),
    [
        (event(), b"u", START_MS),
        (event(arrived=START_MS + 7), b"u", START_MS + 7),
        (b'{"user_id": "u"}', b"u", None),
        (b'{"user_id": 5}', b"5", None),
        (b'{"type": "post"}', None, None),
        (b"[1]", None, None),
        (b"junk", None, None),
    ],
)
def test_an_event_goes_to_its_user_when_it_arrived(
    value: bytes, key: bytes | None, arrived: int | None, client: Producer
) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.event(value)
    [sent] = client.sent
    assert (sent.topic, sent.value, sent.key, sent.timestamp_ms) == ("events", value, key, arrived)
    assert (client.flushed, client.closed) == ([1], 1)


@pytest.mark.parametrize("remember", [True, False])
def test_a_label_follows_an_event_that_is_remembered(remember: bool, client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.event(event(), remember)
        publisher.label(LABEL)
    assert places(client) == ([(b"u", None)] if remember else EVERYWHERE)


def test_a_tools_label_follows_its_event_and_is_published_as_it_is(client: Producer) -> None:
    mapped = LabelSettings(fields={"event_id": "id"}, verdicts={"removed": "spam"})
    with Publisher(msgspec.structs.replace(SETTINGS, labels=mapped)) as publisher:
        publisher.event(event(), remember=True)
        publisher.label(b'{"id": "e", "label": "removed", "ts": 5}')
    assert places(client) == [(b"u", None)]
    assert client.sent[-1].value == b'{"id": "e", "label": "removed", "ts": 5}'


def test_an_event_is_not_remembered_unless_one_asks(client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.event(event())
        publisher.label(LABEL)
    assert places(client) == EVERYWHERE


def test_what_is_no_event_is_not_remembered(client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        for value in (b'{"user_id": "u"}', b'{"event_id": "e"}', b"junk"):
            publisher.event(value, remember=True)
        publisher.label(LABEL)
    assert places(client) == EVERYWHERE


def test_a_label_waits_for_its_event_if_that_is_under_way(client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.event(event(), remember=True)
        publisher.label(LABEL)
        assert client.flushed == [1]
        publisher.label(LABEL)
        assert client.flushed == [1]
    assert client.flushed == [1, 3]


@pytest.mark.parametrize("value", [b"[1]", b"5", b'{"event_id": "other"}', b"{}"])
def test_a_label_on_what_nobody_knows_goes_everywhere(value: bytes, client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.event(event(), remember=True)
        publisher.label(value)
    assert places(client) == EVERYWHERE


def test_what_is_no_label_becomes_one_dead_letter(client: Producer) -> None:
    with Publisher(SETTINGS) as publisher:
        publisher.label(b"junk")
    assert places(client) == [(b"", None)]


def test_a_pseudonym_will_do_for_the_user_of_a_label(client: Producer) -> None:
    pseudonyms = HIDDEN.pseudonyms()
    assert pseudonyms is not None
    with Publisher(HIDDEN) as publisher:
        publisher.label(LABEL, pseudonyms.of("u"))
        publisher.label(LABEL, "v")
        publisher.label(LABEL)
    with Publisher(SETTINGS) as publisher:
        publisher.label(LABEL, pseudonyms.of("u"))
    assert places(client) == [(b"u", None), (b"v", None), *EVERYWHERE, (pseudonyms.of("u").encode(), None)]


def test_labels_are_signed_and_events_are_not(client: Producer) -> None:
    ann = person("ann")
    with Publisher(secured(SETTINGS, publisher="ann", publisher_key=ann.private)) as publisher:
        publisher.event(event())
        publisher.label(LABEL, "u")
    assert [len(one.headers) for one in client.sent] == [0, 4]


def test_what_the_broker_refuses_is_told_once(client: Producer) -> None:
    client.error = KafkaError("full")
    publisher = Publisher(SETTINGS)
    publisher.event(event())
    publisher.event(event())
    with pytest.raises(PublishError, match=r"refused 2 messages, .*full"):
        publisher.flush()
    publisher.flush()


def at(*times: int, partition: int = 0) -> list[Any]:
    return [
        record("t", b"k", b"%d.%d" % (partition, offset), offset=offset, partition=partition, timestamp=time)
        for offset, time in enumerate(times)
    ]


Reading = Callable[[dict[int, list[Any]]], None]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Sets what the topic `t` has; it is 1000 ms after the epoch."""
    monkeypatch.setattr(publishing, "time", SimpleNamespace(time=lambda: 1.0))
    return lambda partitions: monkeypatch.setattr(publishing, "consumer", consumer_of("t", partitions))


@pytest.mark.parametrize(
    ("since_ms", "most", "found"),
    [
        (None, None, ["0.0", "0.1", "0.2", "1.0"]),
        (20, None, ["0.1", "0.2"]),
        (21, None, ["0.2"]),
        (31, None, []),
        (0, None, ["0.0", "0.1", "0.2", "1.0"]),
        (None, 2, ["0.2", "1.0"]),  # one of each partition
        (None, 4, ["0.1", "0.2", "1.0"]),
        (None, 100, ["0.0", "0.1", "0.2", "1.0"]),
        (30, 4, ["0.2"]),
    ],
)
def test_a_topic_is_read_from_a_time_on_and_at_most_so_much(
    since_ms: int | None, most: int | None, found: list[str], topic: Reading
) -> None:
    topic({0: at(10, 20, 30), 1: at(5, partition=1)})
    assert sorted(record.value.decode() for record in read_all(SETTINGS, "t", since_ms, most)) == found


def test_an_empty_topic_has_nothing_and_one_that_is_not_there_is_an_error(topic: Reading) -> None:
    topic({0: [], 1: []})
    assert list(read_all(SETTINGS, "t")) == []
    with pytest.raises(TopicError, match="does not exist"):
        list(read_all(SETTINGS, "other"))


@pytest.mark.parametrize(
    ("span_ms", "found"), [(0, ["0.2"]), (10, ["0.1", "0.2"]), (500, ["1.0", "0.0", "0.1", "0.2"])]
)
def test_what_arrived_lately_is_read_in_the_order_of_its_arrival(
    span_ms: int, found: list[str], topic: Reading
) -> None:
    topic({0: at(10, 20, 30), 1: at(5, partition=1)})
    assert [one.value.decode() for one in read_since(SETTINGS, "t", span_ms)] == found


def test_a_time_that_has_not_come_hides_nothing(topic: Reading) -> None:
    topic({0: at(900, 5_000)})
    assert [one.arrived_ms for one in read_since(SETTINGS, "t", 100)] == [900, 5_000]


def test_offsets_go_before_the_times_that_records_claim_and_null_is_passed_over(topic: Reading) -> None:
    records = at(30, 10, 40)
    records[2].value = None
    topic({0: records, 1: at(20, partition=1)})
    found = [(one.value.decode(), one.arrived_ms) for one in read_since(SETTINGS, "t", 500)]
    assert found == [("1.0", 20), ("0.0", 30), ("0.1", 10)]


KEY = "the workers' own secret, 32 chars or more"


def test_only_models_that_are_whole_and_a_workers_own_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, model = secured(SETTINGS, worker_key=KEY), trained().models["spam"]
    seals, records = Seals(settings), list[Any]()
    for name, left_out, is_sealed in (("whole", 0, True), ("partial", 1, True), ("forged", 0, False)):
        model.name = name
        messages = whole(model, 1)
        for part, value in messages[: len(messages) - left_out]:
            header = seals.header("models", part.encode(), value)
            assert header is not None
            records.append(record("models", part.encode(), value, [header] if is_sealed else []))
    records += [record("models", b"whole/x", None), record("models", b"", b"value"), record("models", None, b"value")]
    monkeypatch.setattr(publishing, "read_all", topics_of({"models": records}))
    assert set(read_models(settings)) == {"whole"}
