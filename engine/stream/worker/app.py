"""The composition root: settings in, a Faust application out."""

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.transport.consumer import ensure_TP
from faust.types import TP
from mode.types import ServiceT

from engine.build import find_build
from engine.core.evaluation.evaluator import Evaluator
from engine.errors import SnapshotError
from engine.learning.snapshots import is_seed
from engine.settings import Settings
from engine.state.quarantine import note_corruption, put_aside_corrupted
from engine.state.store import Database, Source
from engine.stream.control.rulebooks import group_of
from engine.stream.control.state import ControlState
from engine.stream.handlers.batches import BatchHandler
from engine.stream.handlers.events import EventWorker
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.hop_messages import FROM_HOPS, FROM_LABELS
from engine.stream.handlers.hops import HopWorker
from engine.stream.handlers.labels import LabelWorker
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import TrainerWorker
from engine.stream.kafka.placing import among
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.sealing import Seals
from engine.stream.kafka.topics import table_name
from engine.stream.worker.consumer import BatchConsumer, BatchTransport
from engine.stream.worker.faust_options import faust_options
from engine.stream.worker.followers import Follower
from engine.stream.worker.group import Group
from engine.stream.worker.health import LOOK_EVERY_S, Health
from engine.stream.worker.persistence import Durability
from engine.stream.worker.recovery import BulkRecovery
from engine.stream.worker.reference_data import LOOK_AT_FILES_EVERY_S, ReferenceData
from engine.stream.worker.rewriting import Rewriting
from engine.stream.worker.shutdown import end_soon
from engine.stream.worker.states import OwnStates
from engine.stream.worker.tables import database_options
from engine.stream.worker.ticks import Ticks
from engine.stream.worker.tracing import Tracing
from engine.stream.worker.web import BoundedWeb, add_pages

_log = structlog.stdlib.get_logger("floodgate")

_LOOK_EVERY_S = 1.0
_STOP_WITHOUT_BROKERS_S = 3.0
"""Without them nothing under way can be finished."""


class FloodgateApp(faust.App):
    """A Faust application whose topics are worked on in batches.

    `ready_to_decide` is set when there is a rulebook and the newest models are known; before that, no
    event is read.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.key_hashes()
        self._data_dir = Path(settings.data_dir).absolute()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        for name in put_aside_corrupted(self._data_dir):
            _log.warning("a damaged database is put aside and rebuilt from the changelog", database=name)
        self.metrics = Metrics(settings.candidate.name)
        self.handlers: dict[str, BatchHandler] = {}
        self.ready_to_decide = asyncio.Event()
        self.seals = Seals(settings, self._note_unverified)
        self._tracing = Tracing(settings, self.seals.fits)
        self.durability = Durability(self)
        self.recovery = BulkRecovery(self)
        self._publishers = Publishers(settings, on_unverified=self._note_unverified)
        self.control = ControlState(settings, self._publishers, self.metrics, self._data_dir, self._switch)
        self._models = FollowedModels()
        super().__init__(settings.consumer_group, **faust_options(settings))
        self.entities = self._entity_table()
        self.states = OwnStates(self._database_of, settings)
        self.reference = ReferenceData(settings, self.metrics, self._switch)
        references = self.reference.references
        self._events = EventWorker(settings, self.states, self.states.end, self.metrics, time.time, references)
        accept, is_sealed = self._publishers.accept, self.seals.fits
        self._trainer = TrainerWorker(
            settings, self._models, self.metrics, known=self._models_known, accept=accept, is_sealed=is_sealed
        )
        self._hops = HopWorker(
            settings, self.states, self.metrics, settings.partitions, accept, self._end_of_source, is_sealed,
            among(settings.partitions),
        )  # fmt: skip
        self._handle(settings.topics.events, self._events)
        self._handle(settings.topics.hops, self._hops)
        self._labels = LabelWorker(settings, self.states, self.metrics, accept)
        self._handle(settings.topics.labels, self._labels)
        if settings.learns:
            self._handle(settings.topics.examples, self._trainer)
        self._followers = (
            Follower(
                settings.topics.models, settings, self._receive_model, self._switch, accept=self._accept_model,
                on_refused=partial(self._count_refused, settings.topics.models),
            ),
            Follower(
                settings.topics.rulebooks, settings, self.control.receive, self._control_known, group_of,
                self.control.accept, partial(self._count_refused, settings.topics.rulebooks),
                self.control.note_displaced,
            ),
        )  # fmt: skip
        self.timer(interval=settings.snapshot_interval_ms / 1000)(self._publish_snapshots)
        self.timer(interval=_LOOK_EVERY_S)(self._look_after_control)
        self.timer(interval=settings.rewrite_interval_ms / 1000)(Rewriting(self.entities).look)
        self.timer(interval=LOOK_AT_FILES_EVERY_S)(self.reference.look_at_files)
        ends_of = self._followers[1].ends_of
        self.health = Health(self.metrics, ends_of, lambda tps: cast(BatchConsumer, self.consumer).positions_of(tps))
        self.task()(self._look_after_health)
        group = Group(settings, lambda tps: cast(BatchConsumer, self.consumer).committed_of(tps), ends_of)
        self._ticks = Ticks(settings, self.states, self.durability.publish_apart, group.decided_until_ms)
        self.on_rebalance_complete.connect(self._note_ready)
        add_pages(self)

    def _new_web(self) -> Any:
        return BoundedWeb(self)

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """The followers start and stop with the application."""
        return [*super().on_init_dependencies(), *self._followers, self.reference.follower]

    async def on_start(self) -> None:
        """Subscribe to the handled topics through Faust's conductor."""
        _log.info("starting", **find_build()._asdict())
        for name in self.handlers:
            channel = self.topic(name, key_serializer="raw", value_serializer="raw")
            self.topics.add(cast(Any, channel.clone(is_iterator=True)))
        await self.control.remember()
        if self.settings.security.warns:
            _log.warning("what nothing proves is taken for now: `security.unverified` is `warn`")
        if not self._publishers.are_known:
            _log.warning("nobody has to sign: whoever can write to the topics can change rules, labels and models")
        if not self.seals.are_asked_for:
            _log.warning("workers do not seal what they write: `security.worker_key` is not set")
        await super().on_start()

    def _crash(self, reason: BaseException) -> None:
        """This worker ends soon, whichever of its services has crashed; damaged state is not used again."""
        if not self._crashed.is_set():
            end_soon()
            if note_corruption(reason, self._data_dir):
                _log.error("the state on this worker's disk is damaged", error=str(reason))
        super()._crash(reason)

    async def on_stop(self) -> None:
        """What this worker wrote with is closed last: what was under way is finished by then, or cannot be, as when
        the brokers are away."""
        end_soon(self.settings.stop_timeout_s if self.health.is_in_touch else _STOP_WITHOUT_BROKERS_S)
        try:
            await super().on_stop()
        finally:
            await self.durability.writers.close()
            await asyncio.to_thread(self._tracing.close)

    # -- updates ----------------------------------------------------------------------------------

    def _count_refused(self, topic: str) -> None:
        self.metrics.count_refused(topic, is_starting=not self.ready_to_decide.is_set())

    def _note_unverified(self, record: Any) -> None:
        self.metrics.unverified.labels(record.topic).inc()
        _log.warning(
            "a message lacks the signature or the seal that it should have; it is taken for now",
            topic=record.topic, partition=record.partition, offset=record.offset,
        )  # fmt: skip

    def _accept_model(self, record: Any) -> bool:
        """A worker's, or from one who may restore models."""
        if is_a_workers_or(record, "model", self.seals, self._publishers):
            return True
        self._count_refused(record.topic)
        _log.error("a part of a model was refused: no worker has published it, nor one who may", offset=record.offset)
        return False

    async def _look_after_control(self) -> None:
        self.control.expire()
        is_shared = bool(self.settings.candidate.name)  # then those who decide put it back
        displaced = self.control.put_back() if self.control.caught_up and not is_shared else []
        if not displaced:
            return
        try:
            await self.durability.publish_apart(displaced)
        except KafkaError as error:  # workers that have verified it go on
            _log.error("what is in force was displaced on its topic and cannot be put back", error=repr(error))
        else:
            _log.warning("what is in force was displaced on its topic and is put back", messages=len(displaced))

    async def _receive_model(self, name: str, record: Any) -> bool:
        started = time.perf_counter()
        try:
            model = self._models.receive(name, record.value)
        except SnapshotError as error:
            self._count_refused(self.settings.topics.models)
            _log.error("a model snapshot was refused; the one in use stays", model=name, error=str(error))
            return False
        if model is not None and not is_seed(name):
            self.metrics.model.labels(name).set(model.labels)
            self._switch()
        self.metrics.switch.observe(time.perf_counter() - started)
        return True

    async def _end_of_source(self, source: Source) -> int:
        """The offset behind the last record of a partition that routed events come from."""
        topics, (topic, partition) = self.settings.topics, source
        name = {FROM_HOPS: topics.hops, FROM_LABELS: topics.labels}.get(topic, topics.events)
        tp = TP(name, partition)
        return int((await self._followers[0].ends_of([tp]))[tp])

    async def _models_known(self) -> None:
        """Wait until all that has been published by now has been read."""
        await self._followers[0].read_to_end()

    def _control_known(self) -> None:
        self.control.caught_up = True
        self._switch()

    def _switch(self) -> None:
        """Use the newest rulebook and models from the next batch on: a batch is never interrupted."""
        rulebook, in_force = self.control.rulebook, self.control.in_force()
        if rulebook is not None and in_force is not None:
            self._models.use(rulebook)
            self.reference.use(rulebook)
            scorers = self._models.scorers(rulebook)
            sample, answered = self.settings.decision_sample, self.settings.serve.types
            evaluator = Evaluator(in_force, scorers, sample, self.control.before, answered)
            for deciding in (self._events, self._hops, self._labels):
                deciding.use(evaluator)
            self._trainer.use(rulebook)
            if self.reference.is_known and all(follower.caught_up.is_set() for follower in self._followers):
                self.ready_to_decide.set()

    async def _publish_snapshots(self) -> None:
        if self.control.rulebook is None:
            _log.warning("waiting for a rulebook: publish one with `floodgate rules push`")
        if messages := self._trainer.due_snapshots():
            await self.durability.publish_apart(messages)

    # -- health -----------------------------------------------------------------------------------

    def waiting_for(self) -> list[str]:
        """What keeps this worker from deciding events; empty when it is ready."""
        waiting = []
        if not self.ready_to_decide.is_set():
            waiting.append("rulebook")
        if not cast(Any, self.tables).recovery.completed.is_set() or self.rebalancing:
            waiting.append("partitions")
        if not self.health.is_in_touch:
            waiting.append("brokers")
        return waiting

    async def _look_after_health(self) -> None:
        while not self.should_stop:
            handled = [tp for tp in map(ensure_TP, self.consumer.assignment()) if tp.topic in self.handlers]
            await self.health.look(handled, [TP(self.settings.topics.rulebooks, 0)])
            await self._ticks.tell(self.control.rulebook, [] if self.waiting_for() else self.states.partitions)
            self.metrics.ready.set(not self.waiting_for())
            await self.sleep(LOOK_EVERY_S)

    async def _note_ready(self, *_: Any, **__: Any) -> None:
        _log.info("partitions assigned", partitions=sum(isinstance(tp, TP) for tp in self.consumer.assignment()))

    # -- construction -----------------------------------------------------------------------------

    def _handle(self, topic: str, handler: BatchHandler) -> None:
        self.handlers[topic] = self._tracing.around(topic, handler)

    def _database_of(self, partition: int) -> Database:
        return cast(Database, self.entities.data._db_for_partition(partition))

    def _entity_table(self) -> Any:
        settings, options = self.settings, database_options(self.settings.state_ttl_days)
        return self.Table(
            table_name(settings), partitions=settings.partitions, key_type=bytes, value_type=bytes, options=options
        )
