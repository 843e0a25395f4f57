"""Which partitions are told how late it is."""

import asyncio

import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.hop_messages import Tick, decode_hop
from engine.stream.handlers.messages import Message
from engine.stream.worker.ticks import AGAIN_AFTER_MS, Ticks

NOW_MS = 1_760_000_000_000
RULES = load_rulebook({"r.yaml": """
version: 1
sequences: {left: {after: install, none: open, within: 1h, by: user_id}}
rules: {r: {event: absent.left, when: ["known(event.x)"], then: {flag: x}, mode: shadow}}
"""})  # fmt: skip
SETTINGS = Settings()
ALLOWANCE_MS = 2 * SETTINGS.events.clock_tolerance_ms


class Telling:
    """A worker's ticks at a time that is set, and up to when all is decided."""

    def __init__(self, patch: pytest.MonkeyPatch, due: dict[int, int]) -> None:
        self.now_ms, self.asked = NOW_MS, 0
        self.decided_until_ms: int | None = NOW_MS
        self.keeps = True
        self.sent: list[Message] = []
        patch.setattr("engine.stream.worker.ticks.time.time", lambda: self.now_ms / 1_000)
        states = {partition: PartitionState(MemoryDatabase, 10) for partition in range(3)}
        for partition, due_ms in due.items():
            states[partition].timers.put(due_ms, 1, b"")
        self._states = states
        self._ticks = Ticks(SETTINGS, states.__getitem__, self._publish, self._decided)

    async def _publish(self, messages: list[Message]) -> None:
        self.sent.extend(messages)

    async def _decided(self) -> int | None:
        self.asked += 1
        if not self.keeps:
            self._states.clear()
        return self.decided_until_ms

    def tell(self, *mine: int) -> list[tuple[str, int | None, object]]:
        asyncio.run(self._ticks.tell(RULES, mine))
        told, self.sent = self.sent, []
        return [(message.topic, message.partition, decode_hop(message.value)) for message in told]


def test_those_are_told_in_which_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    past = NOW_MS - ALLOWANCE_MS - 1
    telling = Telling(monkeypatch, {0: past, 1: past, 2: past + 1})
    assert telling.tell(0, 2) == [("hops", 0, Tick(0, NOW_MS))]


def test_they_are_told_up_to_when_all_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = Telling(monkeypatch, {0: NOW_MS - 2 * ALLOWANCE_MS, 1: NOW_MS - 9 * ALLOWANCE_MS})
    telling.decided_until_ms = NOW_MS - 5 * ALLOWANCE_MS
    both = 0, 1
    assert telling.tell(*both) == [("hops", 1, Tick(1, NOW_MS - 5 * ALLOWANCE_MS))]
    telling.decided_until_ms = None
    assert telling.tell(*both) == []


def test_nobody_is_asked_where_nothing_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = Telling(monkeypatch, {1: 5, 2: NOW_MS})
    assert (telling.tell(0, 2), telling.asked) == ([], 0)


def test_they_are_not_told_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = Telling(monkeypatch, {0: 5})
    told = 0
    for later_ms in (0, 1, AGAIN_AFTER_MS - 1, AGAIN_AFTER_MS):
        telling.now_ms = telling.decided_until_ms = NOW_MS + later_ms
        told += len(telling.tell(0))
    assert told == 2


def test_the_state_of_what_may_be_anothers_by_then_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be known as it was in between, when the partition comes back."""
    telling = Telling(monkeypatch, {0: 5})
    telling.keeps = False
    assert telling.tell(0) == [("hops", 0, Tick(0, NOW_MS))]
