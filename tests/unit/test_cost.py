"""What an event costs, in calls: a number that no other load on the machine can change.

A call of a Python function or of one in C costs some fifty nanoseconds and more; that is where the engine's time
goes (decision 13). Whoever adds to the way of an event meets these limits, and raises them knowingly.
"""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.workload import events
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import COMPILED
from engine.learning.models import LearnedModel
from engine.learning.scorers import ModelScorer
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.metrics import Metrics
from engine.stream.offline.engine import Record

RULES = Path(__file__).parents[2] / "benchmarks" / "rules"
EVENTS = 4_000
CALLS_COMPILED, CALLS_PYTHON = 38, 250
"""At most, for an event of the benchmark that no rule holds for, in a batch of two thousand."""


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
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        worker.process(0, records[EVENTS // 2 :])
    finally:
        sys.setprofile(before)
    return calls / (EVENTS // 2)


def test_an_event_takes_no_more_calls_than_it_did() -> None:
    most = CALLS_COMPILED if COMPILED else CALLS_PYTHON
    assert calls_per_event() < most
