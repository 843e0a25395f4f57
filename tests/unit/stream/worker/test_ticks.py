"""Which partitions are told how late it is."""

import asyncio

from faust.types import TP

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


def told(read: dict[TP, int], due: dict[int, int], ticks: list[Message], again: Ticks | None = None) -> Ticks:
    states = {partition: PartitionState(MemoryDatabase, 10) for partition in range(3)}
    for partition, due_ms in due.items():
        states[partition].timers.put(due_ms, 1, b"")

    async def publish(messages: list[Message]) -> None:
        ticks.extend(messages)

    telling = again or Ticks(SETTINGS, states.__getitem__, publish)
    asyncio.run(telling.tell(RULES, read))
    return telling


def test_those_are_told_in_which_something_is_due_and_all_has_been_read() -> None:
    ticks: list[Message] = []
    past = NOW_MS - ALLOWANCE_MS - 1
    told(
        {TP("events", 0): NOW_MS, TP("events", 2): NOW_MS, TP("hops", 1): NOW_MS},
        {0: past, 1: past, 2: past + 1},
        ticks,
    )
    assert [(message.topic, message.partition, decode_hop(message.value)) for message in ticks] == [
        ("hops", 0, Tick(0, NOW_MS))
    ]


def test_they_are_not_told_again_at_once() -> None:
    ticks: list[Message] = []
    telling = told({TP("events", 0): NOW_MS}, {0: 5}, ticks)
    for later_ms in (1, AGAIN_AFTER_MS - 1, AGAIN_AFTER_MS):
        told({TP("events", 0): NOW_MS + later_ms}, {}, ticks, telling)
    assert len(ticks) == 2
