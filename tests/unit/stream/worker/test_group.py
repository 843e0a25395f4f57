"""How far a group is is asked of the brokers, before they are asked how far its partitions go."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from engine.settings import Settings
from engine.stream.worker.group import Group

ALL = [TP(topic, number) for topic in ("events", "labels", "hops") for number in range(2)]


class Brokers:
    """Those that know the offsets, at a time that goes on with each question."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s, self.asked, self.is_away = 0, list[str](), False
        self.committed, self.ends = dict.fromkeys(ALL, 5), dict.fromkeys(ALL, 5)
        self.error: Exception | None = None
        patch.setattr("engine.stream.worker.group.time.time", lambda: self.now_s)
        patch.setattr("engine.stream.worker.group.Rests.look", self._rests)
        self.group = Group(Settings(partitions=2), self._committed, self._ends)

    async def _committed(self, asked: Iterable[TP]) -> Mapping[TP, int]:
        return self._answer("committed", self.committed, asked)

    async def _rests(self, *_: object) -> Mapping[TP, int]:
        if self.is_away:
            raise TimeoutError
        return {}

    async def _ends(self, asked: Iterable[TP]) -> Mapping[TP, int]:
        return self._answer("ends", self.ends, asked)

    def _answer(self, what: str, known: Mapping[TP, int], asked: Iterable[TP]) -> Mapping[TP, int]:
        self.now_s += 1
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        assert list(asked) == ALL
        return known

    def look(self) -> int | None:
        return asyncio.run(self.group.decided_until_ms())


def test_it_is_asked_before_the_ends_are_and_the_time_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = Brokers(monkeypatch)
    assert (brokers.look(), brokers.asked) == (1_000, ["committed", "ends"])
    brokers.ends[TP("labels", 1)] = 6
    assert brokers.look() == 1_000
    brokers.committed[TP("labels", 1)], brokers.is_away = 6, True  # then it is not looked for markers
    assert brokers.look() == 5_000


def test_what_was_known_stays_true_while_no_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = Brokers(monkeypatch)
    for error in (KafkaConnectionError("away"), TimeoutError(), RuntimeError("not now")):
        brokers.error = error
        assert brokers.look() is None
    brokers.error = None
    known = brokers.look()
    brokers.error = TimeoutError()
    assert brokers.look() == known is not None


def test_in_a_partition_without_a_commit_nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = Brokers(monkeypatch)
    del brokers.committed[TP("hops", 0)]
    assert brokers.look() is None
    brokers = Brokers(monkeypatch)
    del brokers.committed[TP("hops", 0)]
    brokers.ends[TP("hops", 0)] = 0
    assert brokers.look() is not None
