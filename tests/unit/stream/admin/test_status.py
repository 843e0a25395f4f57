"""How a system stands, over a broker that only answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import GroupIdNotFoundError, KafkaError

from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.errors import BrokerError
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings
from engine.stream.admin import status
from engine.stream.admin.serve_pages import ServeStatus
from engine.stream.admin.status import EngineStatus, Owned, WorkerStatus, read_status
from engine.stream.admin.worker_pages import EnricherPage, WorkerPage
from engine.stream.control.rulebooks import Refused
from engine.stream.handlers.messages import Pause
from engine.stream.kafka import groups

PAUSE = Pause("ann", "noisy", 1)
EVENTS, OTHER = TopicPartition("events", 0), TopicPartition("events", 1)


class Broker:
    """A group, its offsets, and the ends of the topics that exist."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.members: list[dict[str, Any]] = []
        self.offsets: dict[TopicPartition, Any] = {}
        self.partitions: dict[str, set[int]] = {"events": {0, 1}}
        self.in_use: Any = None
        patch.setattr(groups, "admin", self._client)
        patch.setattr(status, "consumer", self._client)
        self.refused: list[Refused] = []
        self.pages: dict[tuple[str, int], WorkerPage] = {}
        patch.setattr(status, "read_worker_page", self.pages.get)
        self.serve = ServeStatus("h:1", is_ready=True)
        patch.setattr(status, "read_serve_status", lambda _: self.serve)
        patch.setattr(status, "read_refused", lambda _: self.refused)
        patch.setattr(status, "read_in_use", lambda _: self.in_use)
        patch.setattr(status, "read_paused", lambda _: {"b": PAUSE, "a": PAUSE})
        patch.setattr(status, "read_models", lambda _: {"spam": SimpleNamespace(labels=7)})

    @contextmanager
    def _client(self, _: Settings) -> Iterator[Any]:
        yield self

    def describe_groups(self, groups: list[str]) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return {group: {"group_state": "Stable", "members": self.members, "error": None} for group in groups}

    def list_group_offsets(self, groups: list[str]) -> dict[str, Any]:
        return dict.fromkeys(groups, self.offsets)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return self.partitions.get(topic)

    def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 4)

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 10)


def member(name: str, assignment: Any, url: str = "") -> dict[str, Any]:
    metadata = f'\x00\x04{{"url":"{url}"}}' if url else ""
    return {
        "member_id": f"floodgate-{name}", "client_host": "/10.0.0.1", "member_assignment": assignment,
        "member_metadata": metadata,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "committed", "lag"),
    [(None, 4, 6), (-1, 4, 6), (0, 0, 10), (1, 1, 9), (10, 10, 0), (12, 12, 0)],
)
def test_lag_is_counted_from_what_was_committed_or_else_from_the_first(
    monkeypatch: pytest.MonkeyPatch, offset: int | None, committed: int, lag: int
) -> None:
    broker = Broker(monkeypatch)
    if offset is not None:
        broker.offsets = {EVENTS: SimpleNamespace(offset=offset)}
    first, second = read_status(Settings()).partitions  # topics that do not exist yet have none
    assert (first.committed, first.lag) == (committed, lag)
    assert second == Owned("events", 1, None, 4, 10)


def test_who_has_what_and_what_is_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    assigned = {"assigned_partitions": [{"topic": "events", "partitions": [1]}]}
    broker.members = [member("abcdefghij", assigned), member("zz", None)]
    broker.in_use = (SimpleNamespace(id="abc", author="ann", note="why", number=7), object())
    broker.refused = [Refused(6, "eve", "before"), Refused(8, "eve", "after")]
    found = read_status(Settings())
    assert (found.state, [one.name for one in found.members]) == ("Stable", ["abcdefgh on 10.0.0.1", "zz on 10.0.0.1"])
    assert [one.owner for one in found.partitions] == [None, "abcdefgh on 10.0.0.1"]
    assert found.refused == broker.refused[1:]
    assert (found.rulebook, found.paused, found.models) == (
        ("abc", "ann", "why"),
        {"a": PAUSE, "b": PAUSE},
        {"spam": 7},
    )


def test_workers_that_can_be_reached_say_what_they_decide_by(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.members = [member("b", None, "http://0.0.0.0:6067"), member("a", None, "http://worker-1:6066")]
    page = broker.pages["10.0.0.1", 6066] = WorkerPage("0.1.0", "abc", ())
    assert read_status(Settings()).members == [WorkerStatus("10.0.0.1:6066", page), WorkerStatus("10.0.0.1:6067", None)]


def test_the_stage_before_events_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.partitions = {"events": {0}, "raw-events": {0, 1}}
    broker.offsets = {TopicPartition("raw-events", 0): SimpleNamespace(offset=7)}
    mine = {"assigned_partitions": [{"topic": "raw-events", "partitions": [0]}]}
    enriches = member("stage", mine, "http://host:6066")

    def describe(groups: list[str]) -> dict[str, Any]:
        members = [enriches] if groups == ["floodgate-enrich"] else []
        return {group: {"group_state": "Stable", "members": members, "error": None} for group in groups}

    monkeypatch.setattr(broker, "describe_groups", describe)
    enrichers = {"phones": EnricherPage(4, 0.2, {"busy": 1})}
    broker.pages["10.0.0.1", 6066] = WorkerPage("1.0", None, (), ("phones",), enrichers)
    broker.in_use = (SimpleNamespace(id="abc", author="ann", note="why", number=7), object())
    found = read_status(Settings(enrichment=EnrichmentSettings({"phones": EnricherSettings()})))
    assert [one.enriches for one in found.members] == [True]
    assert found.partitions[:2] == [Owned("events", 0, None, 4, 10), Owned("raw-events", 0, "10.0.0.1:6066", 7, 10)]
    assert list(found.problems(100)) == [
        "events 0 has no worker", "raw-events 1 has no worker",
        "worker 10.0.0.1:6066 lacks phones: what it would tell is unknown",
    ]  # fmt: skip
    assert [one.topic for one in read_status(Settings()).partitions] == ["events"]


def workers(*pages: WorkerPage | None) -> list[WorkerStatus]:
    return [WorkerStatus(f"host:{number}", page) for number, page in enumerate(pages, 1)]


FINE = WorkerPage("1.0", "abc", ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, []),
        ({"members": workers(FINE, None)}, []),
        ({"partitions": [Owned("events", 0, "w", 0, 1_000)]}, []),
        ({"partitions": [Owned("events", 0, "w", 0, 1_001)]}, ["events 0 is 1,001 messages behind"]),
        ({"partitions": [Owned("events", one, None, 0, 0) for one in (0, 1, 3)]}, ["events 0-1 3 has no worker"]),
        ({"rulebook": None}, ["no rulebook: publish one with `floodgate rules push`"]),
        ({"refused": [Refused(8, "", "bad")]}, ["version 8 of the rulebook, by someone, is used by no worker: bad"]),
        ({"members": workers(WorkerPage("1.0", None, ("rulebook", "models")))},
         ["worker host:1 waits for rulebook, models"]),
        ({"members": workers(FINE, WorkerPage("1.1", "abc", ()))},
         ["workers run different versions (1.0: host:1; 1.1: host:2)"]),
        ({"members": workers(FINE, WorkerPage("1.0", "old", ()), FINE)},
         ["workers decide by different rulebooks (abc: host:1, host:3; old: host:2)"]),
        ({"members": workers(WorkerPage("1.0", "abc", (), ("file city.mmdb", "topic users")))},
         ["worker host:1 lacks file city.mmdb, topic users: what it would tell is unknown"]),
        ({"members": workers(WorkerPage("1.0", "old", ()))},
         ["workers decide by the rulebook old; abc was pushed last"]),
    ],
)  # fmt: skip
def test_what_somebody_has_to_look_after(change: dict[str, Any], problem: list[str]) -> None:
    told: dict[str, Any] = {"members": workers(FINE), "partitions": [], "rulebook": ("abc", "ann", "")} | change
    assert list(EngineStatus("Stable", **told).problems(1_000)) == problem


def test_before_the_first_worker_nobody_has_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    broker.error = GroupIdNotFoundError()
    found = read_status(Settings())
    assert (found.state, found.members, found.rulebook) == ("without workers", [], None)
    assert [one.lag for one in found.partitions] == [6, 6]


def test_a_broker_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Broker(monkeypatch).error = KafkaError("away")
    with pytest.raises(BrokerError, match="could not be described"):
        read_status(Settings())


def test_serve_is_asked_where_surfaces_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    assert read_status(Settings()).serve is None
    settings = Settings(serve=ServeSettings({"door": SurfaceSettings(("signup",))}))
    standing = read_status(settings)
    assert standing.serve is broker.serve
    assert not any("serve" in problem for problem in standing.problems(10))
    broker.serve = ServeStatus("h:1", is_ready=False)
    assert any("serve at h:1 reads no replies" in problem for problem in read_status(settings).problems(10))
