"""The watchdog over a fake consumer and a fake clock: what it ends, what it reads again, and what it leaves alone."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine.errors import SettingsError, WorkerError
from engine.settings import Settings
from engine.stream.worker import watchdog
from engine.stream.worker.watchdog import Watchdog

EVENTS, LABELS = TP("events", 0), TP("labels", 0)


class Consumer:
    """A worker's consumer as plain data. It stops after so many looks; `each` is called before each of them."""

    def __init__(self, patch: pytest.MonkeyPatch, looks: int, each: Callable[[int], None] = lambda _: None) -> None:
        self.looks, self._each, self.looked = looks, each, 0
        self.now_s = 1_000.0
        patch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        self.flow_active, self.released = True, 0
        self.behind: dict[TP, tuple[int, int]] = {}
        self.again: list[tuple[TP, int, int]] = []
        self.crashed: list[Exception] = []
        self.app = SimpleNamespace(recovery=SimpleNamespace(applied=0), consumer_generation_id=1, rebalancing=False)
        self.app.settings = Settings(instance_id="one")
        self.log = SimpleNamespace(error=lambda *_: None)
        self._thread = SimpleNamespace(_consumer=None, call_thread=self._call)

    @property
    def should_stop(self) -> bool:
        return self.looked > self.looks

    async def sleep(self, seconds: float) -> None:
        self.looked += 1
        self.now_s += seconds
        self._each(self.looked)

    async def unread(self) -> dict[TP, tuple[int, int]]:
        return dict(self.behind)

    async def read_again(self, tp: TP, following: int, reached: int) -> None:
        self.again.append((tp, following, reached))

    async def release_behind_markers(self) -> None:
        self.released += 1

    async def crash(self, error: Exception) -> None:
        self.crashed.append(error)

    async def _call(self, function: Callable[[], None]) -> None:
        function()

    def watch(self) -> None:
        watched: Any = self
        asyncio.run(Watchdog(watched).run())


def test_it_looks_once_a_second_until_the_consumer_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer(monkeypatch, looks=3)
    consumer.watch()
    assert (consumer.released, consumer.now_s) == (3, 1_004.0)
    assert consumer.crashed == []


def test_what_stays_behind_for_a_second_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def move(look: int) -> None:
        consumer.behind = {EVENTS: (3, 5), LABELS: (0, look)}  # the labels are being read

    consumer = Consumer(monkeypatch, looks=3, each=move)
    consumer.watch()
    assert consumer.again == [(EVENTS, 3, 5), (EVENTS, 3, 5)]


def test_what_was_behind_before_a_rebalance_is_not_read_again_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def move(look: int) -> None:
        consumer.flow_active = look != 2

    consumer = Consumer(monkeypatch, looks=3, each=move)
    consumer.behind = {EVENTS: (3, 5)}
    consumer.watch()
    assert consumer.again == []


@pytest.mark.parametrize(("looks", "ends"), [(181, False), (182, True)])
def test_a_rebalance_without_progress_for_more_than_three_minutes_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, looks: int, ends: bool
) -> None:
    consumer = Consumer(monkeypatch, looks)  # the first look is where the time begins
    consumer.app.rebalancing = True
    if ends:
        with pytest.raises(WorkerError, match="no progress in a rebalance for 180 seconds"):
            consumer.watch()
    else:
        consumer.watch()
    assert len(consumer.crashed) == ends


@pytest.mark.parametrize("moving", ["applied", "generation", "rebalanced"])
def test_a_rebalance_that_moves_on_may_take_longer(monkeypatch: pytest.MonkeyPatch, moving: str) -> None:
    def move(look: int) -> None:
        if look == 100:
            consumer.app.recovery.applied += moving == "applied"
            consumer.app.consumer_generation_id += moving == "generation"
        consumer.app.rebalancing = moving != "rebalanced" or look != 100

    consumer = Consumer(monkeypatch, looks=250, each=move)
    consumer.watch()
    assert consumer.crashed == []


def test_a_worker_that_only_works_is_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer(monkeypatch, looks=400)
    consumer.watch()
    assert (consumer.released, consumer.crashed) == (400, [])


def test_an_error_of_the_group_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_errors() -> None:
        raise PermissionError("not a member")

    consumer = Consumer(monkeypatch, looks=3)
    consumer._thread._consumer = SimpleNamespace(_coordinator=SimpleNamespace(check_errors=check_errors))
    with pytest.raises(PermissionError):
        consumer.watch()
    assert [str(error) for error in consumer.crashed] == ["not a member"]


@pytest.mark.parametrize("client", [None, SimpleNamespace(), SimpleNamespace(_coordinator=object())])
def test_a_client_without_a_group_has_no_errors_of_one(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    consumer = Consumer(monkeypatch, looks=2)
    consumer._thread._consumer = client
    consumer.watch()
    assert (consumer.released, consumer.crashed) == (2, [])


def test_a_consumer_that_is_stopping_asks_its_group_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    consumer = Consumer(monkeypatch, looks=0)
    coordinator = SimpleNamespace(check_errors=lambda: asked.append(True))
    consumer._thread._consumer = SimpleNamespace(_coordinator=coordinator)
    consumer.watch()
    assert (consumer.released, asked) == (0, [])


def watch_member(patch: pytest.MonkeyPatch, name: str, member_ids: list[str], each_s: float = 0.0) -> Consumer:
    """A worker that its group knows by one id after another."""

    def move(look: int) -> None:
        coordinator.member_id = member_ids[look - 1]
        consumer.now_s += each_s

    consumer = Consumer(patch, looks=len(member_ids) - 1, each=move)
    coordinator = SimpleNamespace(check_errors=lambda: None, member_id="")
    consumer._thread._consumer = SimpleNamespace(_coordinator=coordinator)
    consumer.app.settings = Settings(instance_id=name)
    consumer.watch()
    return consumer


def test_a_worker_that_is_thrown_out_again_and_again_has_anothers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="another worker has the same `instance_id`, one: "):
        watch_member(monkeypatch, "one", ["a", "", "b", "c", "", "d", "e"])


@pytest.mark.parametrize(
    ("name", "member_ids", "each_s"),
    [("one", ["a", "", "b", "b", "c", "c"], 0.0), ("", list("abcdef"), 0.0), ("one", list("abcdef"), 11.0)],
    ids=["three times", "without a name", "now and then"],
)
def test_a_worker_may_lose_its_place_now_and_then(
    monkeypatch: pytest.MonkeyPatch, name: str, member_ids: list[str], each_s: float
) -> None:
    assert watch_member(monkeypatch, name, member_ids, each_s).crashed == []
