"""What people have decided goes out once: whether the process dies before, while or after it is sent."""

from collections.abc import Sequence
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from engine.console.outgoing import dispatcher as dispatching
from engine.console.outgoing.dispatcher import LEASE_MS, Dispatcher
from engine.console.store.database import Store
from engine.console.store.outgoing import Outgoing, enqueue
from engine.console.store.own import OUTGOING
from engine.errors import BrokerError, PublishError, RulebookError
from engine.settings import Settings
from tests.console import START_MS, rows_of


class Topic:
    """A labels topic, and brokers that fail as they are told."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.others: list[str] = []
        self.fails_before: Exception | None = None
        self.fails_after: BaseException | None = None

    def publish_labels(self, settings: Settings, labels: Sequence[Outgoing]) -> None:
        if self.fails_before is not None:
            raise self.fails_before
        self.published += [label.id for label in labels]
        if self.fails_after is not None:
            raise self.fails_after

    def find_published(self, settings: Settings, labels: Sequence[Outgoing]) -> set[str]:
        return {label.id for label in labels} & set(self.published)

    def publish(self, settings: Settings, outgoing: Outgoing) -> None:
        if self.fails_before is not None:
            raise self.fails_before
        self.others.append(outgoing.kind)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = START_MS / 1000

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    for name in ("publish_labels", "find_published", "publish"):
        monkeypatch.setattr(dispatching, name, getattr(made, name))
    return made


def add(store: Store, kind: str = "label", **payload: Any) -> str:
    with store.write() as connection:
        return enqueue(connection, kind, payload, "ann", START_MS)


def states(store: Store) -> list[str]:
    return [row["state"] for row in rows_of(store, OUTGOING)]


def test_what_is_due_is_sent_and_not_again(store: Store, topic: Topic) -> None:
    identity = add(store)
    add(store, "pause", rule="flood")
    dispatcher = Dispatcher(Settings(), store, Clock())
    assert (dispatcher.step(), dispatcher.step()) == (2, 0)
    assert (topic.published, topic.others, states(store)) == ([identity], ["pause"], ["sent", "sent"])


def test_who_dies_after_sending_doubles_nothing(store: Store, topic: Topic) -> None:
    identity, clock = add(store), Clock()
    topic.fails_after = SystemExit()
    with pytest.raises(SystemExit):
        Dispatcher(Settings(), store, clock).step()
    topic.fails_after = None
    after = Dispatcher(Settings(), store, clock)
    assert after.step() == 0, "the lease of the one that died is not over"
    clock.now_s += LEASE_MS / 1000
    after.step()
    assert (topic.published, states(store)) == ([identity], ["sent"])


def test_who_dies_before_sending_loses_nothing(store: Store, topic: Topic) -> None:
    identity, clock = add(store), Clock()
    topic.fails_before = BrokerError("away")
    dispatcher = Dispatcher(Settings(), store, clock)
    with pytest.raises(BrokerError):
        dispatcher.step()
    topic.fails_before = None
    clock.now_s += LEASE_MS / 1000
    assert dispatcher.step() == 1
    assert (topic.published, states(store)) == ([identity], ["sent"])


@pytest.mark.parametrize("kind", ["label", "revoke"])
def test_what_brokers_refuse_for_now_is_tried_again(store: Store, topic: Topic, kind: str) -> None:
    add(store, kind)
    refused = PublishError("not all labels could be published")
    refused.__cause__ = KafkaTimeoutError()
    topic.fails_before = refused
    with pytest.raises(PublishError):
        Dispatcher(Settings(), store, Clock()).step()
    assert states(store) == ["sending"]


@pytest.mark.parametrize("kind", ["label", "push"])
def test_what_can_never_go_out_says_so(store: Store, topic: Topic, kind: str) -> None:
    add(store, kind)
    topic.fails_before = RulebookError("wrong", 1) if kind == "push" else PublishError("your key may not do this")
    Dispatcher(Settings(), store, Clock()).step()
    (row,) = rows_of(store, OUTGOING)
    assert (row["state"], row["error"]) == ("failed", str(topic.fails_before))
