"""The entrance: contiguity, chunks, and labels that wait for their events, over a fake Faust."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from engine.settings import Settings
from engine.stream.batches import BatchConsumer
from engine.stream.metrics import Metrics

EVENTS, LABELS, OTHER = TP("events", 0), TP("labels", 0), TP("events", 1)


class Entrance:
    """The consumer's own methods; partitions, broker and handlers are plain data."""

    def __init__(self, batch_max_events: int = 4) -> None:
        self.decided: dict[TP, list[int]] = defaultdict(list)
        self.ends: dict[TP, int] = {}
        self.starts: dict[TP, int] = {}
        self.position_of: dict[TP, int] = {}
        self.paused: set[TP] = set()
        settings = Settings(batch_max_events=batch_max_events)
        self.app = SimpleNamespace(
            settings=settings, metrics=Metrics(), consumer_generation_id=1,
            handlers=dict.fromkeys(("events", "labels"), object()),
            recovery=SimpleNamespace(doubt=lambda _: None),
        )  # fmt: skip
        self._taking = False
        self.flow_active, self.log = True, SimpleNamespace(warning=lambda *_: None)
        self._next: dict[TP, int] = {EVENTS: 0, LABELS: 0, OTHER: 0}
        self._suspected: dict[TP, int] = {}
        self._began: dict[TP, int] = {}
        self._held: dict[TP, Any] = {}
        self._cleared: dict[TP, int] = {}
        self._thread = SimpleNamespace(highwaters=self._highwaters)

    async def _highwaters(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.ends[tp] for tp in tps}

    async def _compute(self, _handler: Any, tp: TP, records: list[Any], _generation: int) -> bool:
        if self._next.get(tp) != records[0].offset:
            return False
        self.decided[tp] += [record.offset for record in records]
        self._next[tp] = records[-1].offset + 1
        self._release_labels(tp, self._next[tp])
        return True

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.starts.get(tp, 0) for tp in tps}

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        self.position_of.update(positions)

    def pause_partitions(self, tps: Any) -> None:
        self.paused |= set(tps)

    def resume_partitions(self, tps: Any) -> None:
        self.paused -= set(tps)

    async def _position(self, tp: TP) -> int:
        return self.position_of.get(tp, 0)

    def highwater(self, tp: TP) -> int:
        return self.ends.get(tp, 0)

    _take: Any = BatchConsumer._take
    _compute_all: Any = BatchConsumer._compute_all
    _joinable: Any = BatchConsumer._joinable
    _release_labels: Any = BatchConsumer._release_labels
    _current: Any = BatchConsumer._current
    contiguous: Any = BatchConsumer.contiguous
    unread: Any = BatchConsumer.unread

    def take(self, began: int | None = None, **fetched: list[int]) -> None:
        """A fetch; `began`: where that of the events did, if it is asked."""
        self._began = {EVENTS: began} if began is not None and EVENTS in self._suspected else {}
        names = {"events": EVENTS, "labels": LABELS, "other": OTHER}
        records = {
            names[name]: [SimpleNamespace(offset=offset) for offset in offsets] for name, offsets in fetched.items()
        }
        asyncio.run(self._take(records, None))


def test_a_gap_is_read_again_and_accepted_when_the_broker_repeats_it() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 4])
    entrance.take(events=[7, 8])
    assert (entrance.decided[EVENTS], entrance.position_of[EVENTS]) == ([0, 1, 4], 5)
    entrance.take(began=5, events=[5, 6, 7])  # it had been dropped
    entrance.take(events=[10])
    entrance.take(began=8, events=[10])  # it is a real one
    assert entrance.decided[EVENTS] == [0, 1, 4, 5, 6, 7, 10]


def test_a_gap_is_not_accepted_when_what_was_read_again_was_dropped_too() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1])
    entrance.take(events=[4, 5])
    entrance.take(began=4, events=[4, 5])  # from 2 to 4 was fetched, and dropped on the way
    assert entrance.decided[EVENTS] == [0, 1]
    assert entrance.position_of[EVENTS] == 2
    entrance.take(began=2, events=[2, 3, 4, 5])
    assert entrance.decided[EVENTS] == [0, 1, 2, 3, 4, 5]


def test_what_the_broker_has_deleted_is_not_waited_for() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1])
    entrance.starts[EVENTS] = 500
    entrance.take(events=[500, 501])
    assert entrance.decided[EVENTS] == [0, 1, 500, 501]
    entrance.starts[EVENTS] = 600  # and a fetch behind it was dropped
    entrance.take(events=[640])
    assert entrance.position_of[EVENTS] == 600
    entrance.take(began=600, events=[605, 640])
    entrance.take(began=600, events=[605, 640])
    assert entrance.decided[EVENTS] == [0, 1, 500, 501, 605, 640]


def test_a_gap_between_two_chunks_of_one_fetch_loses_nothing() -> None:
    entrance = Entrance(batch_max_events=4)
    entrance.take(events=[0, 1, 2, 3, 5, 6, 7], other=[0, 1])
    assert entrance.decided == {EVENTS: [0, 1, 2, 3, 5, 6, 7], OTHER: [0, 1]}


def test_labels_wait_for_the_events_that_were_there_and_not_for_later_ones() -> None:
    entrance = Entrance()
    entrance.ends[EVENTS] = 5
    entrance.take(labels=[0, 1])
    assert entrance.paused == {LABELS}
    assert entrance.position_of[LABELS] == 0
    entrance.take(events=[0, 1, 2])
    assert entrance.paused == {LABELS}
    entrance.ends[EVENTS] = 1_000  # events never stop coming
    entrance.take(events=[3, 4])
    assert entrance.paused == set()
    entrance.take(labels=[0, 1, 2])
    assert entrance.decided[LABELS] == [0, 1]
    assert entrance.paused == {LABELS}
    assert entrance.position_of[LABELS] == 2


def test_nothing_is_taken_during_a_rebalance() -> None:
    entrance = Entrance()
    entrance.flow_active = False
    entrance.take(events=[0, 1])
    assert entrance.decided == {}


def test_what_was_read_and_not_taken_on_is_told_while_nothing_is_being_taken_on() -> None:
    entrance = Entrance()
    entrance.take(events=[0, 1, 2])
    entrance.position_of = {EVENTS: 5, OTHER: 0}
    assert asyncio.run(entrance.unread()) == {EVENTS: (3, 5)}
    entrance._taking = True
    assert asyncio.run(entrance.unread()) == {}
    entrance._taking = False
    entrance.ends[EVENTS] = 9
    entrance.take(labels=[0])
    entrance.position_of[LABELS] = 4
    assert asyncio.run(entrance.unread()) == {EVENTS: (3, 5)}  # labels wait on purpose
    entrance.position_of[EVENTS] = 3
    assert asyncio.run(entrance.unread()) == {}
