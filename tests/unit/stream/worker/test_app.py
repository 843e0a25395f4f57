"""The composition root, without a broker: when a worker is ready, and what it does with models and updates."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from engine.errors import SnapshotError, WorkerError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.hop_messages import FROM_EVENTS, FROM_HOPS
from engine.stream.handlers.messages import Message
from engine.stream.worker import app as composition
from engine.stream.worker.app import FloodgateApp
from tests.unit.stream.signed import entry, listed, person, record, secured

RULES = "version: 1\nrules: {all: {event: post, when: ['true'], then: {flag: a}}}\n"


def run(tmp_path: Path, do: Callable[[Any], Any], settings: Settings | None = None, **changes: Any) -> None:
    """Do something with an application that has not been started."""

    async def work() -> None:
        known = settings if settings is not None else Settings(data_dir=str(tmp_path), **changes)
        await do(FloodgateApp(known))

    asyncio.run(work())


class Log:
    """What was logged, without its details."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.said: list[dict[str, Any]] = []
        patch.setattr(composition, "_log", self)

    def info(self, text: str, **said: Any) -> None:
        """Nothing is wrong."""

    def warning(self, text: str, **said: Any) -> None:
        self.warnings.append(text)
        self.said.append(said)

    def error(self, text: str, **said: Any) -> None:
        self.errors.append(text)
        self.said.append(said)


def value(app: Any, name: str, **labels: str) -> float | None:
    found: float | None = app.metrics.registry.get_sample_value(f"floodgate_{name}", labels)
    return found


@pytest.mark.parametrize("inside", [".", "data/of/a/worker"])
def test_the_data_directory_is_made_where_it_is_missing(tmp_path: Path, inside: str) -> None:
    path = tmp_path / inside

    async def do(_: FloodgateApp) -> None:
        assert path.is_dir()

    run(tmp_path, do, Settings(data_dir=str(path)))


@pytest.mark.parametrize("secure", [False, True])
def test_a_worker_that_believes_everyone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: bool) -> None:
    async def start(_: Any) -> None:
        """Faust's own."""

    async def do(app: Any) -> None:
        added: list[Any] = []
        app.topics = SimpleNamespace(add=added.append)
        await app.on_start()
        assert [topic.get_topic_name() for topic in added] == ["events", "hops", "labels", "examples"]
        assert all(topic.is_iterator for topic in added)  # Faust lets nothing be put into another's channel
        assert len(log.warnings) == (0 if secure else 2)

    monkeypatch.setattr(faust.App, "on_start", start)
    log, settings = Log(monkeypatch), Settings(data_dir=str(tmp_path / "data"))
    if secure:
        path = listed(tmp_path / "publishers.yaml", {"ann": entry(person("ann"))})
        settings = secured(settings, publishers_file=path, worker_key="k" * 40)
    run(tmp_path, do, settings)


def test_a_partition_has_a_state_and_a_database_until_it_is_revoked(tmp_path: Path) -> None:
    """Whoever has waited for something may ask after that: nothing of it begins to exist again."""

    async def do(app: Any) -> None:
        app.states.begin([0, 1])
        kept, other = app.states(0), app.states(1)
        for handler in app.handlers.values():
            handler.on_revoked(0)
        with pytest.raises(WorkerError, match="not this worker's"):
            app.states(0)
        with pytest.raises(WorkerError, match="revoked meanwhile"):
            kept.load([b"e1"])
        assert (app.states(1), app.states.partitions) == (other, [1])
        other.load([b"e1"])
        assert set(app.entities.data._dbs) == {1}

    run(tmp_path, do)


@pytest.mark.parametrize(("waits", "told"), [(False, [1, 2]), (True, [])])
def test_own_partitions_are_told_the_time_once_the_worker_is_ready(
    tmp_path: Path, waits: bool, told: list[int]
) -> None:
    """Faust knows of others too, in a rebalance."""

    async def look(*_: Any) -> None:
        """All is well."""

    async def do(app: Any) -> None:
        async def tell(_: Any, mine: Any) -> None:
            seen.append(list(mine))
            app._stopped.set()

        app._consumer = SimpleNamespace(assignment=lambda: {TP("events", 7)})
        app.health, app._ticks = SimpleNamespace(look=look, is_in_touch=True), SimpleNamespace(tell=tell)
        app.waiting_for = lambda: ["partitions"] if waits else []
        app.states.begin([2, 1])
        await app._look_after_health()

    seen = list[list[int]]()
    run(tmp_path, do)
    assert seen == [told]


def test_a_model_is_a_workers_or_from_one_who_may_restore_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = person("ann"), person("ben")
    people = {"ann": entry(ann), "ben": entry(ben, may=["label"])}

    async def do(app: Any) -> None:
        sealed = [app.seals.header("models", b"spam", b"v")]
        assert app._accept_model(record("models", b"spam", b"v", sealed))
        assert app._accept_model(ann.record(1, "models", b"spam"))
        assert value(app, "updates_refused_total", topic="models", at="start") is None
        for refused in (ben.record(1, "models", b"spam"), record("models", b"spam", b"w", sealed)):
            assert not app._accept_model(refused)
        assert value(app, "updates_refused_total", topic="models", at="start") == 2
        assert len(log.errors) == 2

    log = Log(monkeypatch)
    path = listed(tmp_path / "publishers.yaml", people)
    run(tmp_path, do, secured(Settings(data_dir=str(tmp_path)), publishers_file=path, worker_key="k" * 40))


@pytest.mark.parametrize(
    ("name", "model", "switches", "labels"),
    [("spam", 7, 1, 7.0), ("spam/part", None, 0, None), ("spam@seed", 7, 0, None)],
)
def test_a_model_is_used_when_it_is_whole_and_no_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, model: int | None, switches: int, labels: float | None
) -> None:
    clock, switched = iter((10.0, 10.5)), list[bool]()
    monkeypatch.setattr(composition, "time", SimpleNamespace(perf_counter=lambda: next(clock), time=lambda: 0.0))
    monkeypatch.setattr(composition, "is_seed", lambda one: one.endswith("@seed"))

    async def do(app: Any) -> None:
        found = SimpleNamespace(labels=model) if model is not None else None
        app._models = SimpleNamespace(receive=lambda *_: found)
        app._switch = lambda: switched.append(True)
        assert await app._receive_model(name, record("models", b"k", b"v"))
        assert value(app, "model_labels", model=name) == labels
        assert value(app, "model_switch_seconds_sum") == 0.5

    run(tmp_path, do)
    assert len(switched) == switches


def test_a_snapshot_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise SnapshotError("cut off")

    async def do(app: Any) -> None:
        app._models = SimpleNamespace(receive=refuse)
        assert not await app._receive_model("spam", record("models", b"spam", b"v"))
        assert value(app, "updates_refused_total", topic="models", at="start") == 1
        assert len(log.errors) == 1

    log = Log(monkeypatch)
    run(tmp_path, do)


def test_the_end_of_a_source_is_that_of_its_topic(tmp_path: Path) -> None:
    async def ends_of(partitions: list[TP]) -> dict[TP, int]:
        return {tp: {"hops": 5, "events": 9}[tp.topic] + tp.partition for tp in partitions}

    async def do(app: Any) -> None:
        app._followers = (SimpleNamespace(ends_of=ends_of),)
        assert [await app._end_of_source((topic, 2)) for topic in (FROM_HOPS, FROM_EVENTS)] == [7, 11]

    run(tmp_path, do)


def test_a_worker_decides_once_it_knows_rules_and_models(tmp_path: Path) -> None:
    async def do(app: Any) -> None:
        models, rules = app._followers
        app._control_known()
        assert app.control.caught_up
        for follower in app._followers:
            follower.caught_up.set()
        app._switch()
        assert not app.ready_to_decide.is_set()  # there are no rules
        models.caught_up.clear()
        app.control.rulebook = rulebook = load_rulebook({"rules.yaml": RULES})
        app._switch()
        assert not app.ready_to_decide.is_set()  # the newest models are not known yet
        assert app._events._evaluator.rulebook.id == rulebook.id
        models.caught_up.set()
        app._switch()
        assert app.ready_to_decide.is_set()
        assert rules.caught_up.is_set()

    run(tmp_path, do)


@pytest.mark.parametrize(
    ("rules", "recovered", "rebalancing", "silent_s", "waiting"),
    [
        (True, True, False, 0, []),
        (False, True, False, 0, ["rulebook"]),
        (True, False, False, 0, ["partitions"]),
        (True, True, True, 0, ["partitions"]),
        (True, True, False, 60, ["brokers"]),
        (False, False, True, 60, ["rulebook", "partitions", "brokers"]),
    ],
)
def test_a_worker_tells_what_it_waits_for(
    tmp_path: Path, rules: bool, recovered: bool, rebalancing: bool, silent_s: float, waiting: list[str]
) -> None:
    async def do(app: Any) -> None:
        for event, is_set in ((app.ready_to_decide, rules), (app.tables.recovery.completed, recovered)):
            if is_set:
                event.set()
        app.rebalancing = rebalancing
        app.health._answered_s -= silent_s
        assert app.waiting_for() == waiting

    run(tmp_path, do)


class Published:
    """What goes out apart from batches."""

    def __init__(self, error: Exception | None = None) -> None:
        self.messages: list[Message] = []
        self._error = error

    async def publish_apart(self, messages: list[Message]) -> None:
        if self._error is not None:
            raise self._error
        self.messages += messages


@pytest.mark.parametrize("caught_up", [False, True])
@pytest.mark.parametrize("displaced", [0, 2])
def test_what_is_in_force_is_put_back_once_the_topic_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, displaced: int, caught_up: bool
) -> None:
    async def do(app: Any) -> None:
        app.durability = published = Published()
        app.control = SimpleNamespace(
            caught_up=caught_up, expire=lambda: expired.append(True), put_back=lambda: list(messages)
        )
        await app._look_after_control()
        assert published.messages == (messages if caught_up else [])
        assert len(log.warnings) == (displaced > 0 and caught_up)

    log, expired = Log(monkeypatch), list[bool]()
    messages = [Message("rulebooks", b"k", b"%d" % number, None, 0) for number in range(displaced)]
    run(tmp_path, do)
    assert expired == [True]


def test_what_cannot_be_put_back_ends_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def do(app: Any) -> None:
        app.durability = Published(KafkaError())
        messages = [Message("rulebooks", b"k", b"v")]
        app.control = SimpleNamespace(caught_up=True, expire=lambda: None, put_back=lambda: messages)
        await app._look_after_control()
        assert (len(log.errors), log.warnings) == (1, [])

    log = Log(monkeypatch)
    run(tmp_path, do)


@pytest.mark.parametrize("rules", [False, True])
@pytest.mark.parametrize("due", [[], [Message("models", b"spam", b"v")]])
def test_what_was_learned_is_published_and_missing_rules_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, due: list[Message], rules: bool
) -> None:
    async def do(app: Any) -> None:
        app.durability = published = Published()
        app._trainer = SimpleNamespace(due_snapshots=lambda: due)
        app.control = SimpleNamespace(rulebook=object() if rules else None)
        await app._publish_snapshots()
        assert published.messages == due
        assert len(log.warnings) == (0 if rules else 1)

    log = Log(monkeypatch)
    run(tmp_path, do)
