"""Where events and labels are sent, and what is read of a topic."""

from typing import Any

import msgspec
import orjson
import pytest
from kafka.errors import KafkaError

from engine.errors import PublishError
from engine.learning.snapshots import whole
from engine.mappings import LabelSettings
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.admin import publishing
from engine.stream.admin.publishing import Publisher, read_models
from engine.stream.kafka.sealing import Seals
from tests.events import START_MS
from tests.unit.learning.inputs import trained
from tests.unit.stream.broker import Producer, topics_of
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
