"""What a batch wants to become durable, and what becomes of a record that cannot be stored."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.rulebook.compiler import load_rulebook
from engine.state.memory import MemoryDatabase
from engine.state.store import LEDGER, PartitionState, user_record_key
from engine.stream.handlers.batches import Rejector, StateOutcome, accept_any, dump_records
from engine.stream.handlers.metrics import Metrics
from tests.unit.stream.signed import record

RULES = "version: 1\nrules: {all: {event: post, when: ['true'], then: {flag: a}%s}}\n"
PLAIN = load_rulebook({"r.yaml": RULES % ""})
BUDGETED = load_rulebook({"r.yaml": RULES % ", budget: {max: 1%, per: 1h, if_exceeded: shadow}"})
KEYS = [user_record_key(name) for name in ("ann", "ben", "eve")]


class State:
    """A partition's state that cannot store some records."""

    def __init__(self, *unstorable: bytes) -> None:
        self._unstorable, self.given_up = unstorable, list[bytes]()
        self.dumps = 0

    def dump(self, records: dict[bytes, Any]) -> list[tuple[bytes, bytes]]:
        self.dumps += 1
        if not records.keys().isdisjoint(self._unstorable):
            raise ValueError("too deep")
        return [(key, b"stored") for key in records]

    def give_up(self, key: bytes) -> None:
        self.given_up.append(key)


def outcome_of(state: Any) -> StateOutcome:
    records: dict[bytes, Any] = {key: SimpleNamespace() for key in KEYS}
    return StateOutcome(state=state, records=records)


def test_where_nothing_has_to_be_sealed_every_record_is_taken() -> None:
    assert accept_any(object())


def test_there_is_a_ledger_where_a_rule_has_a_budget_and_there_is_a_state() -> None:
    state = PartitionState(MemoryDatabase, 10)
    outcome = StateOutcome(state=state)
    assert outcome.ledger(PLAIN) is None
    assert outcome.records == {}
    assert StateOutcome().ledger(BUDGETED) is None
    ledger = outcome.ledger(BUDGETED)
    assert ledger is not None
    assert outcome.records == {LEDGER: ledger}


def test_an_outcome_without_a_state_settles_nothing() -> None:
    settled: list[tuple[Any, Any]] = []
    state: Any = SimpleNamespace(settle=lambda *what: settled.append(what))
    outcome = outcome_of(state)
    outcome.changes = [(b"before", b"")]
    outcome.keep_scored([(b"scored", b"")])
    outcome.settle()
    assert settled == [(outcome.records, [(b"scored", b"")])]
    assert outcome.changes == [(b"before", b""), (b"scored", b"")]
    StateOutcome().settle()


@pytest.mark.parametrize("unstorable", [(), (KEYS[1],)])
def test_a_record_that_cannot_be_stored_stops_no_other(unstorable: tuple[bytes, ...]) -> None:
    state, metrics = State(*unstorable), Metrics()
    outcome = outcome_of(state)
    outcome.changes = [(b"before", b"")]
    arrived = [(key, record("events", key, b"v", offset=at)) for at, key in enumerate(KEYS)]
    dump_records(outcome, arrived, Rejector("dead", metrics))
    stored = [key for key in KEYS if key not in unstorable]
    assert outcome.changes == [(b"before", b""), *((key, b"stored") for key in stored)]
    assert state.dumps == (1 + len(KEYS) if unstorable else 1)  # one by one only where it has to be
    assert (list(outcome.records), state.given_up) == (stored, list(unstorable))
    assert [dict(one.headers or ())["offset"] for one in outcome.messages] == [b"1" for _ in unstorable]
    counted = metrics.registry.get_sample_value(
        "floodgate_dead_letters_total", {"topic": "events", "reason": "cannot_be_stored"}
    )
    assert counted == (1 if unstorable else None)


def test_one_that_no_message_of_the_batch_came_to_makes_no_dead_letter() -> None:
    state = State(KEYS[0])
    outcome = outcome_of(state)
    dump_records(outcome, [], Rejector("dead", Metrics()))
    assert (outcome.messages, state.given_up) == ([], [KEYS[0]])
