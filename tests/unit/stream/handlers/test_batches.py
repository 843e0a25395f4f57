"""What a batch wants to become durable; what becomes of a record that cannot be stored, of a batch that is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher

from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import LEDGER, PartitionState, user_record_key
from engine.stream.handlers.batches import BatchHandler, Rejector, StateOutcome, accept_any, dump_records
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import TrainerWorker
from engine.stream.kafka import bounded_records
from engine.stream.kafka.bounded_records import install, refusal_of
from engine.stream.kafka.publishers import Publishers
from engine.stream.kafka.sealing import Seals
from tests.unit.stream.kafka.test_bounded_records import TP, batch, bomb, good
from tests.unit.stream.signed import entry, listed, person, record, secured

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
    settled: list[Any] = []
    state: Any = SimpleNamespace(settle=lambda *what: settled.append(what))
    outcome = outcome_of(state)
    outcome.changes = [(b"before", b"")]
    outcome.keep_scored([(b"scored", b"")])
    outcome.settle()
    assert settled == [(outcome.records, [(b"scored", b"")], [], [])]
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


LEARNING = "version: 1\nmodels: {spam: {texts: [text]}}\nrules: {all: {event: post, when: ['true'], then: {flag: a}}}\n"
LIMIT = 1 << 20


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    install(LIMIT)
    yield
    install(bounded_records.LIMIT)


def refused(data: bytes, topic: str) -> Any:
    """The record that a consumer hands out for a batch."""
    tp = TP._replace(topic=topic)
    found = list(fetcher.PartitionRecords(tp, fetcher.MemoryRecords(data), None, 0, None, None, True, 0))
    (one,) = [one for one in found if refusal_of(one) is not None]
    return one


def handler(topic: str, settings: Settings, metrics: Metrics) -> BatchHandler:
    state = PartitionState(MemoryDatabase, 100)
    rulebook = load_rulebook({"r.yaml": LEARNING})
    evaluator = Evaluator(rulebook, FollowedModels().scorers(rulebook))
    accept, is_sealed = Publishers(settings).accept, Seals(settings).fits
    if topic == "events":
        events = EventWorker(settings, lambda _: state, lambda _: None, metrics)
        events.use(evaluator)
        return events
    if topic == "labels":
        return LabelWorker(settings, lambda _: state, metrics, accept)
    if topic == "hops":
        hops = HopWorker(settings, lambda _: state, metrics, 8, accept, is_sealed=is_sealed)
        hops.use(evaluator)
        return hops
    trainer = TrainerWorker(settings, FollowedModels(), metrics, accept=accept, is_sealed=is_sealed)
    trainer.use(rulebook)
    return trainer


def letters(messages: Sequence[Message]) -> list[tuple[Any, ...]]:
    return [
        (*(dict(one.headers or [])[name] for name in ("topic", "partition", "offset", "reason")), one.key, one.value)
        for one in messages
        if one.topic == "dead-letters"
    ]


@pytest.mark.parametrize("secure", [False, True], ids=["open", "secured"])
@pytest.mark.parametrize("topic", ["events", "labels", "hops", "examples"])
@pytest.mark.parametrize("data", [bomb(4, 4 * LIMIT, 7), batch(b"", 2, 1, 7, raw=b"nonsense")], ids=["bomb", "damage"])
def test_a_refused_batch_is_one_dead_letter(tmp_path: Path, data: bytes, topic: str, secure: bool) -> None:
    settings, metrics = Settings(), Metrics()
    if secure:
        path = listed(tmp_path / "publishers.yaml", {"ann": entry(person("ann"))})
        settings = secured(settings, publishers_file=path, worker_key="k" * 40)
    outcome = handler(topic, settings, metrics).process(0, [refused(data, topic)])
    assert letters(outcome.messages) == [(topic.encode(), b"0", b"8", b"unreadable_batch", None, b"")]
    counted = {"topic": topic, "reason": "unreadable_batch"}
    assert metrics.registry.get_sample_value("floodgate_dead_letters_total", counted) == 1
    assert outcome.read_from is None


def test_what_surrounds_it_is_used() -> None:
    metrics = Metrics()
    value = b'{"event_id":"e%d","type":"post","user_id":"u","ts":1760000000000}'
    around = [record("events", b"u", value % number, offset=number) for number in (0, 9)]
    outcome = handler("events", Settings(), metrics).process(
        0, [around[0], refused(bomb(1, 4 * LIMIT, 7), "events"), around[1]]
    )
    assert [one[3] for one in letters(outcome.messages)] == [b"unreadable_batch"]
    assert sum(one.topic == "actions" for one in outcome.messages) == 2


def test_nobody_can_send_what_stands_for_a_batch_and_hide_a_message_behind_it() -> None:
    forged = record("labels", b"k", b"v", [("refused", b"corrupt")])
    assert refusal_of(forged) is None
    outcome = handler("labels", Settings(), Metrics()).process(0, [forged])
    assert [(one[3], one[5]) for one in letters(outcome.messages)] == [(b"not_json", b"v")]


def test_the_embedded_good_batch_stands_for_nothing() -> None:
    found = list(fetcher.PartitionRecords(TP, fetcher.MemoryRecords(good(0)), None, 0, None, None, True, 0))
    assert [refusal_of(one) for one in found] == [None] * 3
