"""The composition root: settings in, a Faust application out."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import faust
import structlog
from faust.types import TP
from mode.types import ServiceT

from engine.core.evaluator import Evaluator
from engine.core.rules import Rulebook, changed_rules
from engine.errors import RulebookError, SnapshotError
from engine.learning.trainer import is_seed
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.state.quarantine import note_corruption, put_aside_corrupted
from engine.state.store import Database, PartitionState, Source
from engine.stream.batches import BatchTransport
from engine.stream.durability import Durability
from engine.stream.ending import end_soon
from engine.stream.faust_options import faust_options
from engine.stream.followers import Follower
from engine.stream.handlers import BatchHandler
from engine.stream.hop_messages import FROM_HOPS
from engine.stream.hops import HopWorker
from engine.stream.learners import LabelWorker, Models
from engine.stream.lists import ENTRY, LiveEntries
from engine.stream.messages import VERSION, Pause, decode_rulebook, note_paused, paused_rule
from engine.stream.metrics import Metrics
from engine.stream.promotions import PROMOTED, Promotions, held_back, note_promotion
from engine.stream.recovery import BulkRecovery
from engine.stream.signing import Publishers
from engine.stream.topics import TABLE
from engine.stream.trainers import TrainerWorker
from engine.stream.web import add_pages
from engine.stream.workers import EventWorker

_log = structlog.stdlib.get_logger("floodgate")

_EXPIRE_EVERY_S = 1.0


class FloodgateApp(faust.App):
    """A Faust application whose topics are worked on in batches.

    `ready_to_decide` is set when there is a rulebook and the newest models are known; before that, no
    event is read.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._data_dir = Path(settings.data_dir).absolute()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        for name in put_aside_corrupted(self._data_dir):
            _log.warning("a damaged database is put aside and rebuilt from the changelog", database=name)
        self.metrics = Metrics()
        self.handlers: dict[str, BatchHandler] = {}
        self.ready_to_decide = asyncio.Event()
        self.durability = Durability(self)
        self.recovery = BulkRecovery(self)
        self.rulebook_id: str | None = None
        self._rulebook: Rulebook | None = None
        self._before: Mapping[str, Rulebook] = {}
        self._paused: dict[str, Pause] = {}
        self._entries = LiveEntries()
        self._promotions: Promotions = {}
        pseudonyms = settings.pseudonyms()
        self._conceal = pseudonyms.of if pseudonyms is not None else None
        self._models = Models()
        self._states: dict[int, PartitionState] = {}
        super().__init__(settings.app_id, **faust_options(settings))
        self.entities = self._entity_table()
        self._events = EventWorker(settings, self.partition_state, self.end_state, self.metrics)
        self._publishers = Publishers(settings)
        accept = self._publishers.accept
        self._trainer = TrainerWorker(settings, self._models, self.metrics, known=self._models_known, accept=accept)
        self._hops = HopWorker(
            settings, self.partition_state, self.metrics, settings.partitions, accept, self._end_of_source
        )
        self._handle(settings.topics.events, self._events)
        self._handle(settings.topics.hops, self._hops)
        self._handle(settings.topics.labels, LabelWorker(settings, self.partition_state, self.metrics, accept))
        self._handle(settings.topics.examples, self._trainer)
        self._followers = (
            Follower(
                settings.topics.models, settings, self._receive_model, self._switch,
                on_refused=self.metrics.refused.labels(settings.topics.models).inc,
            ),
            Follower(
                settings.topics.rulebooks, settings, self._receive_rulebook, self._switch, _group,
                self._accept_rulebook, self.metrics.refused.labels(settings.topics.rulebooks).inc,
            ),
        )  # fmt: skip
        self.timer(interval=settings.snapshot_interval_ms / 1000)(self._publish_snapshots)
        self.timer(interval=_EXPIRE_EVERY_S)(self._expire_entries)
        self.on_rebalance_complete.connect(self._note_ready)
        add_pages(self)

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """The followers start and stop with the application."""
        return [*super().on_init_dependencies(), *self._followers]

    async def on_start(self) -> None:
        """Subscribe to the handled topics through Faust's conductor."""
        for name in self.handlers:
            channel = self.topic(name, key_serializer="raw", value_serializer="raw")
            self.topics.add(cast(Any, channel.clone(is_iterator=True)))
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
        end_soon(self.settings.stop_timeout_s)
        try:
            await super().on_stop()
        finally:
            await self.durability.writers.close()

    # -- state ------------------------------------------------------------------------------------

    def partition_state(self, partition: int) -> PartitionState:
        """A partition's state; it begins to exist when it is asked for."""
        found = self._states.get(partition)
        if found is None:
            store: Any = self.entities.data

            def database() -> Database:
                return cast(Database, store._db_for_partition(partition))

            found = self._states[partition] = PartitionState(database, self.settings.cached_entities)
        return found

    def end_state(self, partition: int) -> None:
        """Forget a partition's records: someone else may change them now."""
        self._states.pop(partition, None)

    # -- updates ----------------------------------------------------------------------------------

    async def _receive_rulebook(self, name: str, message: bytes) -> bool:
        rule = paused_rule(name)
        if rule is not None:
            return self._receive_paused(rule, message)
        if name.startswith((ENTRY, PROMOTED)):
            return self._receive_beside(name, message)
        if not name.startswith(VERSION):
            return False
        started = time.perf_counter()
        try:
            document = decode_rulebook(message)
            # Compiling holds the interpreter, not the event loop: heartbeats go on.
            loading = partial(load_rulebook, document["sources"], self._conceal)
            rulebook = await asyncio.get_running_loop().run_in_executor(None, loading)
        except (RulebookError, RecursionError, MemoryError) as error:
            self.metrics.refused.labels(self.settings.topics.rulebooks).inc()
            _log.error("a rulebook was refused; the one in use stays", errors=str(error))
            return False
        if self.rulebook_id is not None:
            self.metrics.rulebook.remove(self.rulebook_id)
        if self._rulebook is not None:
            self._before = changed_rules(self._rulebook, rulebook, self._before)
        self._rulebook, self.rulebook_id = rulebook, rulebook.id
        self._entries.show_in(rulebook, *self._before.values())
        self.metrics.rulebook.labels(rulebook.id).set(1)
        self._switch()
        _log.info(
            "rulebook in use", rulebook=rulebook.id, rules=len(rulebook.rules), author=document.get("author"),
            compiled_ms=round((time.perf_counter() - started) * 1000),
        )  # fmt: skip
        return True

    def _accept_rulebook(self, record: Any) -> bool:
        accepted = self._publishers.accept(record)
        if not accepted:
            self.metrics.refused.labels(self.settings.topics.rulebooks).inc()
        return accepted

    def _receive_paused(self, rule: str, message: bytes) -> bool:
        try:
            note_paused(self._paused, rule, message)
        except RulebookError as error:
            self.metrics.refused.labels(self.settings.topics.rulebooks).inc()
            _log.error("what is paused stays as it was", error=str(error))
            return False
        self.metrics.paused.set(len(self._paused))
        _log.warning("paused rules", rules=sorted(self._paused))
        self._switch()
        return True

    def _receive_beside(self, key: str, message: bytes) -> bool:
        """What changes while a rulebook is in use: an entry of a live list, or a rule's promotion."""
        try:
            if key.startswith(ENTRY):
                self._entries.receive(key, message)
            else:
                note_promotion(self._promotions, key, message)
                self._switch()
        except RulebookError as error:
            self.metrics.refused.labels(self.settings.topics.rulebooks).inc()
            _log.error("an entry of a live list or a promotion was refused", key=key, error=str(error))
            return False
        return True

    async def _expire_entries(self) -> None:
        self._entries.expire()
        for name, count in self._entries.counts().items():
            self.metrics.entries.labels(name).set(count)

    async def _receive_model(self, name: str, snapshot: bytes) -> bool:
        started = time.perf_counter()
        try:
            model = self._models.receive(name, snapshot)
        except SnapshotError as error:
            self.metrics.refused.labels(self.settings.topics.models).inc()
            _log.error("a model snapshot was refused; the one in use stays", model=name, error=str(error))
            return False
        if model is not None and not is_seed(name):
            self.metrics.model.labels(name).set(model.labels)
            self._switch()
        self.metrics.switch.observe(time.perf_counter() - started)
        return True

    async def _end_of_source(self, source: Source) -> int:
        """The offset behind the last record of a partition that journeys come from."""
        topics, (topic, partition) = self.settings.topics, source
        tp = TP(topics.hops if topic == FROM_HOPS else topics.events, partition)
        return int((await self._followers[0].ends_of([tp]))[tp])

    async def _models_known(self) -> None:
        """Wait until all that has been published by now has been read."""
        await self._followers[0].read_to_end()

    def _switch(self) -> None:
        """Use the newest rulebook and models from the next batch on: a batch is never interrupted."""
        if self._rulebook is not None:
            scorers = self._models.scorers(self._rulebook)
            rulebook = held_back(self._rulebook, self._promotions).pausing(self._paused)
            evaluator = Evaluator(rulebook, scorers, self.settings.decision_sample, self._before)
            self._events.use(evaluator)
            self._hops.use(evaluator)
            self._trainer.use(self._rulebook)
            if all(follower.caught_up.is_set() for follower in self._followers):
                self.ready_to_decide.set()

    async def _publish_snapshots(self) -> None:
        if self._rulebook is None:
            _log.warning("waiting for a rulebook: publish one with `floodgate rules push`")
        messages = self._trainer.due_snapshots()
        if messages:
            await self.durability.publish_apart(messages)

    # -- health -----------------------------------------------------------------------------------

    def waiting_for(self) -> list[str]:
        """What keeps this worker from deciding events; empty when it is ready."""
        waiting = []
        if not self.ready_to_decide.is_set():
            waiting.append("rulebook")
        if not cast(Any, self.tables).recovery.completed.is_set() or self.rebalancing:
            waiting.append("partitions")
        self.metrics.ready.set(not waiting)
        return waiting

    async def _note_ready(self, *_: Any, **__: Any) -> None:
        assigned = sorted(tp for tp in self.consumer.assignment() if isinstance(tp, TP))
        _log.info("partitions assigned", partitions=len(assigned))

    # -- construction -----------------------------------------------------------------------------

    def _handle(self, topic: str, handler: BatchHandler) -> None:
        self.handlers[topic] = handler

    def _entity_table(self) -> Any:
        day_s = 86_400
        options = {
            # Faust's defaults are a 2 GiB block cache and three 64 MB memtables for each partition.
            "block_cache_size": 32 << 20,
            "write_buffer_size": 16 << 20,
            "max_write_buffer_number": 2,
            "bloom_filter_size": 10,
            "ttl": self.settings.state_ttl_days * day_s,
        }
        return self.Table(TABLE, partitions=self.settings.partitions, key_type=bytes, value_type=bytes, options=options)


def _group(key: str) -> str:
    """All versions of the rulebook take each other's place."""
    return VERSION if key.startswith(VERSION) else key
