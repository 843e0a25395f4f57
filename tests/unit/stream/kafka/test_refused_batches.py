"""What stands for a batch that cannot be read becomes one dead letter, whichever topic it was on."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.consumer import fetcher

from engine.core.evaluation.evaluator import Evaluator
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.state.memory import MemoryDatabase
from engine.state.store import PartitionState
from engine.stream.handlers.batches import BatchHandler
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.labels import LabelWorker, Models
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import TrainerWorker
from engine.stream.kafka import bounded_records
from engine.stream.kafka.bounded_records import install, refusal_of
from engine.stream.kafka.publishers import Publishers
from engine.stream.kafka.sealing import Seals
from tests.unit.stream.kafka.test_bounded_records import TP, batch, bomb, good
from tests.unit.stream.signed import entry, listed, person, record, secured

RULES = "version: 1\nmodels: {spam: {texts: [text]}}\nrules: {all: {event: post, when: ['true'], then: {flag: a}}}\n"
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
    rulebook = load_rulebook({"r.yaml": RULES})
    evaluator = Evaluator(rulebook, Models().scorers(rulebook))
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
    trainer = TrainerWorker(settings, Models(), metrics, accept=accept, is_sealed=is_sealed)
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
