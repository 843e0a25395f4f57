"""The same events give the same bytes, however they are batched, saved and read again."""

from pathlib import Path

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.domain.events import FieldMapping
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.messages import encode_decision
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import random_events

RULEBOOK = load_rulebook(Path(__file__).parents[1] / "rulebooks" / "flood")


def run(events: list[bytes], save_after: set[int]) -> tuple[list[bytes], dict[str, bytes]]:
    """Decisions, and the final records; records go through their bytes after some events."""
    evaluator, mapping = Evaluator(RULEBOOK, {}, sample=1.0), FieldMapping()
    records: dict[str, EntityRecord] = {}
    decisions = []
    for index, data in enumerate(events):
        event = mapping.read(orjson.loads(data))
        program = RULEBOOK.program(event.type)
        if program is None:
            continue
        record = records.setdefault(event.user_id, EntityRecord())
        decision = evaluator.evaluate(event, program, record).decision
        if decision is not None:
            decisions.append(encode_decision(decision))
        if index in save_after:
            records = {user: load_record(dump_record(record)) for user, record in records.items()}
    return decisions, {user: dump_record(record) for user, record in records.items()}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.integers(0, 299), max_size=30))
def test_saving_and_loading_records_anywhere_changes_nothing(seed: int, save_after: set[int]) -> None:
    events = random_events(300, users=6, seed=seed)
    assert run(events, save_after) == run(events, set())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_replay_gives_identical_bytes_twice(seed: int) -> None:
    events = [Arrival("event", 0, data) for data in random_events(400, users=8, seed=seed)]
    first, second = (list(OfflineEngine(RULEBOOK, Settings()).run(events)) for _ in range(2))
    assert first == second
    assert first
