"""What an event costs, in calls: a number that no other load on the machine can change.

A call of a Python function or of one in C costs some fifty nanoseconds and more; that is where the engine's time
goes (decision 13). Whoever adds to the way of an event meets these limits, and raises them knowingly.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from benchmarks.workload import events
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import COMPILED
from engine.learning.models import LearnedModel
from engine.learning.scorers import ModelScorer
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.messages import arrived_ms
from engine.stream.handlers.metrics import Metrics
from engine.stream.offline.engine import Record

RULES = Path(__file__).parents[2] / "benchmarks" / "rules"
EVENTS = 4_000
CALLS_COMPILED, CALLS_PYTHON = 33, 240
"""At most, for an event of the benchmark that no rule holds for, in a batch of two thousand."""

STARTER_RULES = Path(__file__).parents[2] / "rules"
STARTER_EVENTS, BATCH = 8_000, 500
STARTER_CALLS_COMPILED, STARTER_CALLS_PYTHON = 246, 640
"""At most, for an event of a simulated day under the starter rules, with its hops."""


def calls_per_event() -> float:
    """Calls while a worker decides events of known users, as one batch after another."""
    rulebook, settings, database = load_rulebook(RULES), Settings(), MemoryDatabase()
    state = PartitionState(lambda: database, settings.cached_entities)
    worker = EventWorker(settings, lambda _: state, lambda _: None, Metrics())
    scorer = ModelScorer(rulebook.models["spam"], LearnedModel("spam"))
    worker.use(Evaluator(rulebook, {"spam": scorer}))
    records = [
        Record("events", 0, offset, key, value, 1_760_000_000_000 + 2 * offset)
        for offset, (key, value) in enumerate(events(EVENTS))
    ]
    worker.process(0, records[: EVENTS // 2])
    return calls_during(lambda: worker.process(0, records[EVENTS // 2 :])) / (EVENTS // 2)


def calls_during(work: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


class Partition:
    """One partition under the starter rules: events are decided, at their entities too."""

    def __init__(self) -> None:
        rulebook, self._settings, database = load_rulebook(STARTER_RULES), Settings(log_actions=False), MemoryDatabase()
        self._database, state, metrics = database, PartitionState(lambda: database, 100_000), Metrics()
        self._events = EventWorker(self._settings, lambda _: state, lambda _: None, metrics)
        self._hops = HopWorker(self._settings, lambda _: state, metrics, partitions=1)
        evaluator = Evaluator(rulebook, FollowedModels().scorers(rulebook), self._settings.decision_sample)
        self._events.use(evaluator)
        self._hops.use(evaluator)
        self._hops_offset = 0

    def process(self, records: list[Record]) -> None:
        """A batch of events, and all hops that follow."""
        outcome = self._events.process(0, records)
        while hops := self._apply(outcome):
            outcome = self._hops.process(0, hops)

    def _apply(self, outcome: Outcome) -> list[Record]:
        self._database.apply(outcome.changes)
        outcome.settle()
        sent = [message for message in outcome.messages if message.topic == self._settings.topics.hops]
        first, self._hops_offset = self._hops_offset, self._hops_offset + len(sent)
        return [Record("hops", 0, first + at, one.key, one.value) for at, one in enumerate(sent)]


def starter_calls_per_event() -> float:
    """The same under the starter rules, for events of a simulated day, its hops included."""
    day = simulate_day(people=300)[:STARTER_EVENTS]
    values = [orjson.dumps(simulated.event) for simulated in day]
    records = [Record("events", 0, offset, b"", value, arrived_ms(value)) for offset, value in enumerate(values)]
    half, partition = STARTER_EVENTS // 2, Partition()
    for start in range(0, half, BATCH):
        partition.process(records[start : start + BATCH])

    def process_the_rest() -> None:
        for start in range(half, STARTER_EVENTS, BATCH):
            partition.process(records[start : start + BATCH])

    return calls_during(process_the_rest) / half


def test_an_event_takes_no_more_calls_than_it_did() -> None:
    most = CALLS_COMPILED if COMPILED else CALLS_PYTHON
    assert calls_per_event() < most


def test_an_event_under_the_starter_rules_takes_no_more_calls_than_it_did() -> None:
    most = STARTER_CALLS_COMPILED if COMPILED else STARTER_CALLS_PYTHON
    assert starter_calls_per_event() < most
