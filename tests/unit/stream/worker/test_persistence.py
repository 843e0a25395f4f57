"""What becomes durable when: the order of messages, changelog and commit, over a broker that answers when told."""

import asyncio
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine.errors import WorkerError
from engine.settings import Settings
from engine.state.scored import Change
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.placing import partition_of_key
from engine.stream.kafka.sealing import Seals
from engine.stream.worker import persistence as durability_module
from engine.stream.worker import publishing
from engine.stream.worker.persistence import Durability
from engine.stream.worker.publishing import Publisher
from tests.unit.stream.signed import secured

PARTITIONS = tuple(range(8))
LOG, MODELS = TP("changelog", 0), TP("models", 0)


@pytest.mark.parametrize(
    ("key", "value_bytes", "left_out"),
    [(None, 488, False), (None, 489, True), (b"k" * 88, 400, False), (b"k" * 88, 401, True)],
)
def test_key_and_value_and_what_surrounds_them_have_to_fit(key: bytes | None, value_bytes: int, left_out: bool) -> None:
    metrics = Metrics()
    publisher: Any = SimpleNamespace(_limits={"t": 1_000}, _app=SimpleNamespace(metrics=metrics))
    assert Publisher._is_too_large(publisher, "t", key, b"v" * value_bytes) is left_out
    assert metrics.registry.get_sample_value("floodgate_undeliverable_total", {"topic": "t"}) == (
        1 if left_out else None
    )


class Batch:
    """Room for so many records."""

    def __init__(self, room: int) -> None:
        self.records: list[Any] = []
        self._room = room

    def append(self, **record: Any) -> object | None:
        if len(self.records) == self._room:
            return None
        self.records.append(SimpleNamespace(**record))
        return object()

    def record_count(self) -> int:
        return len(self.records)


class Broker:
    """A producer and the writers of a worker's own partitions. `told`: all that happens, in its order. What is sent is
    acknowledged once `answers` is set; with an error while there is one."""

    def __init__(self, room: int = 100) -> None:
        self.told: list[Any] = []
        self.records: list[Any] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.error: Exception | None = None
        self.next_offset: dict[TP, int] = {LOG: 50, TP("changelog", 1): 0, MODELS: 0}
        self.end: dict[TP, int] = dict(self.next_offset)
        self.owned: list[TP] = []
        self._room = room

    def create_batch(self) -> Batch:
        return Batch(self._room)

    async def partitions_for(self, topic: str) -> set[int]:
        self.told.append(f"asked about {topic}")
        return set(PARTITIONS)

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> Any:
        return self._sent(TP(topic, partition), batch)

    async def own(self, partitions: list[TP]) -> None:
        self.owned = partitions
        self.told.append("fenced")

    async def get(self, tp: TP) -> Any:
        async def begin(batch: Batch) -> Any:
            first, self.end[tp] = self.end[tp], self.end[tp] + batch.record_count()
            return self._sent(tp, batch, first)

        return SimpleNamespace(batch=self.create_batch, begin=begin)

    def _sent(self, tp: TP, batch: Batch, first: int = 0) -> "asyncio.Task[Any]":
        values = [record.value.decode() for record in batch.records]
        self.told.append((tp.topic, tp.partition, values))
        self.records += batch.records
        return asyncio.ensure_future(self._answer(f"acknowledged {values[0]}", first))

    async def _answer(self, what: str, first: int) -> Any:
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        self.told.append(what)
        return SimpleNamespace(offset=first)


class Worker:
    """What makes outcomes durable, and what it needs of the application."""

    def __init__(self, patch: pytest.MonkeyPatch, broker: Broker, settings: Settings | None = None) -> None:
        self.broker, self.metrics, self.crashed = broker, Metrics(), list[Exception]()
        settings = settings if settings is not None else Settings(store_linger_ms=0)
        store = SimpleNamespace(_db_for_partition=lambda partition: partition, offset_key=b"offset")
        app: Any = SimpleNamespace(
            settings=settings, seals=Seals(settings), metrics=self.metrics,
            entities=SimpleNamespace(changelog_topic_name="changelog", data=store),
            producer=SimpleNamespace(_producer=broker), consumer=SimpleNamespace(crash=self._crash),
            states=SimpleNamespace(begin=lambda own: broker.told.append(f"begun {own}")),
        )  # fmt: skip
        writers: Any = broker
        self.app, self.durability = app, Durability(app, writers)
        patch.setattr(durability_module, "write_changes", self._write)

    async def _crash(self, error: Exception) -> None:
        self.crashed.append(error)

    def _write(self, database: int, changes: list[Change], offset_key: bytes, offset: int) -> None:
        assert offset_key == b"offset"
        self.broker.told.append(f"stored {[value for _, value in changes]} of {database} at {offset}")

    def begin(self, name: str, messages: int = 1, changes: int = 1, partition: int = 0) -> None:
        outcome = Outcome(
            [Message("actions", b"k", f"{name}{number}".encode(), None, 3) for number in range(messages)],
            [(b"c%d" % number, b"%s-%d" % (name.encode(), number)) for number in range(changes)],
        )
        tell = self.broker.told.append
        self.durability.begin(
            TP("events", partition), outcome, lambda: tell(f"finished {name}"), lambda: tell(f"released {name}")
        )

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"floodgate_{name}", labels) or 0.0


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


def run(
    patch: pytest.MonkeyPatch, do: Callable[[Worker], Any], room: int = 100, settings: Settings | None = None
) -> Worker:
    async def work() -> Worker:
        worker = Worker(patch, Broker(room), settings)
        await do(worker)
        return worker

    return asyncio.run(work())


def test_messages_come_before_the_state_and_the_state_before_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((10.0, 10.5))
    for module in (durability_module, publishing):
        told = SimpleNamespace(perf_counter=lambda: next(clock), time=lambda: 1_700_000_000.5)
        monkeypatch.setattr(module, "time", told)

    async def do(worker: Worker) -> None:
        worker.begin("a", changes=2)
        await worker.durability.drain()

    worker = run(monkeypatch, do)
    assert worker.broker.told == [
        "asked about actions", ("actions", 3, ["a0"]), "acknowledged a0", ("changelog", 0, ["a-0", "a-1"]),
        "acknowledged a-0", "stored [b'a-0', b'a-1'] of 0 at 51", "finished a", "released a",
    ]  # fmt: skip
    assert worker.broker.next_offset[LOG] == 52
    assert {record.timestamp for record in worker.broker.records} == {1_700_000_000_500}
    assert (worker.value("batches_total"), worker.value("batch_persist_seconds_sum")) == (1, 0.5)
    assert (worker.durability._waiting, bool(worker.durability._published)) == (
        [],
        False,
    )  # what is durable is not held


def test_a_batch_that_changes_nothing_is_finished_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.begin("a", messages=0, changes=0)
        await worker.durability.drain()

    assert run(monkeypatch, do).broker.told == ["finished a", "released a"]


def test_what_comes_meanwhile_is_published_together_once_the_broker_has_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.answers.clear()
        worker.begin("a")
        await settled()
        worker.begin("b")
        worker.begin("c", partition=1)
        await settled()
        assert worker.broker.told == ["asked about actions", ("actions", 3, ["a0"])]
        worker.broker.answers.set()
        await worker.durability.drain()

    told = run(monkeypatch, do).broker.told
    assert told.index("acknowledged a0") < told.index(("actions", 3, ["b0", "c0"]))
    assert sorted(one for one in told if one[0] == "changelog") == [
        ("changelog", 0, ["a-0"]), ("changelog", 0, ["b-0"]), ("changelog", 1, ["c-0"])
    ]  # fmt: skip
    assert {one for one in told if str(one).startswith("finished")} == {"finished a", "finished b", "finished c"}


def test_what_is_published_meanwhile_is_stored_together_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.begin("a", messages=0)
        worker.broker.answers.clear()
        await settled()
        for name in "bc":
            worker.begin(name, messages=0, changes=2)
            await settled()
        assert [one for one in worker.broker.told if one[0] == "changelog"] == [("changelog", 0, ["a-0"])]
        worker.broker.answers.set()
        await worker.durability.drain()

    told = run(monkeypatch, do).broker.told
    assert told[3:] == [
        "finished a", "released a", ("changelog", 0, ["b-0", "b-1", "c-0", "c-1"]), "acknowledged b-0",
        "stored [b'b-0', b'b-1', b'c-0', b'c-1'] of 0 at 54", "finished b", "finished c", "released b", "released c",
    ]  # fmt: skip


def test_what_is_published_together_of_several_partitions_is_sent_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.answers.clear()
        for partition, name in enumerate("ab"):
            worker.begin(name, messages=0, partition=partition)
        await settled()
        assert worker.broker.told == [("changelog", 0, ["a-0"]), ("changelog", 1, ["b-0"])]
        worker.broker.answers.set()
        await worker.durability.drain()

    told = run(monkeypatch, do).broker.told
    stored = ["stored [b'a-0'] of 0 at 50", "stored [b'b-0'] of 1 at 0"]
    assert told[-6:] == [*stored, "finished a", "finished b", "released a", "released b"]


def test_a_partition_whose_log_is_slow_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.answers.clear()
        worker.begin("a", messages=0)
        await settled()
        worker.begin("b", messages=0, changes=0, partition=1)
        await settled()
        assert worker.broker.told[-2:] == ["finished b", "released b"]
        worker.broker.answers.set()
        await worker.durability.drain()

    assert run(monkeypatch, do).broker.told[-2:] == ["finished a", "released a"]


def test_what_is_out_gathers_until_it_is_waited_for_and_becomes_durable_in_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def do(worker: Worker) -> None:
        for name in "ab":
            worker.begin(name)
            await settled()
        assert worker.broker.told[-1] == "acknowledged b0"  # its action is out, its state nowhere
        worker.durability.hasten()
        await settled()
        assert worker.broker.told[-3:] == ["finished b", "released a", "released b"]
        worker.begin("c", partition=1)
        await settled()
        assert worker.broker.told[-1] == "acknowledged c0"
        await worker.durability.drain()

    told = run(monkeypatch, do, settings=Settings(store_linger_ms=3_600_000)).broker.told
    assert [one for one in told if one[0] == "changelog"] == [
        ("changelog", 0, ["a-0", "b-0"]),
        ("changelog", 1, ["c-0"]),
    ]
    assert told[-1] == "released c"


def test_what_gathers_is_given_up_with_what_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.begin("a")
        await settled()
        worker.broker.error = ConnectionError("the broker is away")
        worker.begin("b")
        await asyncio.gather(*worker.durability._running, return_exceptions=True)
        await worker.durability.drain()

    told = run(monkeypatch, do, settings=Settings(store_linger_ms=3_600_000)).broker.told
    assert told[-2:] == ["released b", "released a"]
    assert not [one for one in told if one[0] == "changelog"]


@pytest.mark.parametrize("under_way", ["a", "ab"])
def test_after_a_failure_nothing_of_the_partition_goes_on(monkeypatch: pytest.MonkeyPatch, under_way: str) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.error = ConnectionError("the broker is away")
        for name in under_way:
            worker.begin(name)
        await asyncio.gather(*worker.durability._running, return_exceptions=True)  # as a drain, and looks at the errors
        worker.broker.error = None
        worker.begin("c")
        await worker.durability.drain()

    worker = run(monkeypatch, do)
    assert [str(error) for error in worker.crashed] == ["the broker is away"]
    told = [one for one in worker.broker.told if "asked" not in one]
    sent = [f"{name}0" for name in under_way]
    assert told == [("actions", 3, sent), *(f"released {name}" for name in f"{under_way}c")]


def test_after_a_failure_to_store_nothing_that_waits_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.answers.clear()
        for name in "ab":
            worker.begin(name, messages=0)
            await settled()
        worker.begin("c", partition=1)
        await settled()
        worker.broker.error = ConnectionError("the broker is away")
        worker.broker.answers.set()
        await asyncio.gather(*worker.durability._running, return_exceptions=True)
        await worker.durability.drain()

    told = run(monkeypatch, do).broker.told
    assert [one for one in told if str(one).startswith("released")] == ["released a", "released b", "released c"]
    assert not [one for one in told if str(one).startswith(("finished", "stored"))]


def test_a_changelog_that_another_has_written_to_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.end[LOG] += 1
        worker.begin("a")
        await worker.durability.drain()

    worker = run(monkeypatch, do)
    assert ["is at 51, expected 50" in str(error) for error in worker.crashed] == [True]
    assert "finished a" not in worker.broker.told


def test_changes_that_do_not_fit_one_batch_go_out_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.begin("a", messages=0, changes=5)
        await worker.durability.drain()

    worker = run(monkeypatch, do, room=2)
    assert worker.broker.told[:6] == [
        ("changelog", 0, ["a-0", "a-1"]), "acknowledged a-0", ("changelog", 0, ["a-2", "a-3"]), "acknowledged a-2",
        ("changelog", 0, ["a-4"]), "acknowledged a-4",
    ]  # fmt: skip
    assert (worker.broker.next_offset[LOG], "at 54" in worker.broker.told[6]) == (55, True)


def test_messages_of_one_partition_do_not_overtake_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        await worker.durability.publish([Message("actions", b"k", b"%d" % number, None, 3) for number in range(5)])

    told = run(monkeypatch, do, room=2).broker.told
    assert told == [
        "asked about actions", ("actions", 3, ["0", "1"]), "acknowledged 0", ("actions", 3, ["2", "3"]),
        "acknowledged 2", ("actions", 3, ["4"]), "acknowledged 4",
    ]  # fmt: skip


def test_a_key_is_published_where_every_client_sends_it_and_none_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [b"key %d" % number for number in range(20)]
    monkeypatch.setattr(random, "choice", lambda choices: choices[-1])

    async def do(worker: Worker) -> None:
        await worker.durability.publish(
            [*(Message("actions", key, key) for key in keys), Message("actions", None, b"")]
        )

    told = run(monkeypatch, do).broker.told
    placed = {value: one[1] for one in told if isinstance(one, tuple) for value in one[2]}
    assert placed == {key.decode(): partition_of_key(key, PARTITIONS) for key in keys} | {"": 7}


@pytest.mark.parametrize("sealed", [False, True])
def test_what_a_message_says_of_itself_stays_with_it(monkeypatch: pytest.MonkeyPatch, sealed: bool) -> None:
    settings = secured(Settings(), worker_key="k" * 40) if sealed else Settings()
    topic = settings.topics.examples

    async def do(worker: Worker) -> None:
        said = [("reason", b"x")]
        await worker.durability.publish([Message(topic, b"k", b"v", said, 0), Message(topic, b"k", b"w", None, 0)])

    worker = run(monkeypatch, do, settings=settings)
    seals = [[worker.app.seals.header(topic, b"k", value)] if sealed else [] for value in (b"v", b"w")]
    assert [one.headers for one in worker.broker.records] == [[("reason", b"x"), *seals[0]], seals[1]]


def test_one_that_is_too_large_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        values = (b"a", b"x" * (64 << 20), b"b")
        await worker.durability.publish([Message("actions", b"k", value, None, 3) for value in values])

    worker = run(monkeypatch, do)
    assert [one.value for one in worker.broker.records] == [b"a", b"b"]
    assert worker.value("undeliverable_total", topic="actions") == 1


def test_models_are_written_by_their_owner_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.app.producer._producer = SimpleNamespace(partitions_for=worker.broker.partitions_for)  # sends nothing
        await worker.durability.publish_apart([Message("models", b"spam", b"m", None, 0)])

    assert run(monkeypatch, do).broker.told == ["asked about models", ("models", 0, ["m"]), "acknowledged m"]


def test_a_drain_waits_for_what_is_published_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.broker.answers.clear()
        apart = asyncio.ensure_future(worker.durability.publish_apart([Message("actions", b"k", b"m", None, 0)]))
        await settled()
        drained = asyncio.ensure_future(worker.durability.drain())
        await settled()
        assert not drained.done()
        worker.broker.answers.set()
        await drained
        assert worker.broker.told[-1] == "acknowledged m"
        await apart

    run(monkeypatch, do)


def test_whoever_gets_events_owns_their_changelog_and_whoever_gets_examples_the_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def do(worker: Worker) -> None:
        await worker.durability.own([TP("events", 2), TP("labels", 3), TP("events", 5), TP("examples", 0)])

    broker = run(monkeypatch, do).broker
    assert broker.owned == [TP("changelog", 2), TP("changelog", 5), MODELS]
    assert broker.told == ["fenced", "begun [2, 5]"]  # the state is this worker's once nobody else can write it


def test_nothing_is_published_while_the_producer_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(worker: Worker) -> None:
        worker.app.producer._producer = None
        with pytest.raises(WorkerError, match="the producer is not running"):
            await worker.durability.publish([Message("actions", b"k", b"m", None, 0)])

    run(monkeypatch, do)
