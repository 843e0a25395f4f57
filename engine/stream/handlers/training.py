"""The worker that learns: examples in their order, and what has changed published."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_args

import structlog

from engine.core.domain.rules import ModelSpec, Rulebook
from engine.errors import LabelError, WorkerError
from engine.learning.drift import LossDrift
from engine.learning.labels import Example
from engine.learning.models import LearnedModel
from engine.learning.moderator_trust import Judge
from engine.learning.snapshots import is_seed
from engine.learning.trainer import Trainer
from engine.settings import Settings
from engine.stream.handlers.batches import IsSealed, Outcome, Rejector, accept_any
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.label_messages import (
    MODEL_COMMAND,
    Pin,
    Promote,
    Quarantine,
    Restore,
    decode_example,
    decode_model_command,
)
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import Accept, accept_all, sequence_of

_log = structlog.stdlib.get_logger("floodgate")

_KNOWN_WITHIN_S = 20.0
"""Less than the thirty seconds after which Faust's recovery would end in silence."""


async def _at_once() -> None:
    """The newest snapshots are known already."""


MOST_TOLD = 20
"""Moderators whom metrics name."""

_SEED_WITHIN_S = 10.0
"""A seed is published before the model command that names it."""


class TrainerWorker:
    """Runs on the one worker that owns the examples topic's partition: learns and publishes what has changed.

    `known` waits until the newest snapshots have been read. A model command about a moderator makes it read the
    examples again and learn anew without that moderator's, or with them; nothing is published until it is where it was.
    """

    def __init__(
        self,
        settings: Settings,
        models: FollowedModels,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        known: Callable[[], Awaitable[None]] = _at_once,
        accept: Accept = accept_all,
        is_sealed: IsSealed = accept_any,
    ) -> None:
        self._settings, self._models, self._metrics = settings, models, metrics
        self._clock, self._known, self._accept, self._is_sealed = clock, known, accept, is_sealed
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._trainer = Trainer(models.followers)
        self._rulebook: Rulebook | None = None
        self._published_at = clock()
        self._drift: dict[str, LossDrift] = {}
        self._awaits: tuple[int, float] | None = None
        self.active = False

    def use(self, rulebook: Rulebook) -> None:
        """Learn the models of this rulebook."""
        self._rulebook = rulebook

    async def on_assigned(self, partition: int) -> int | None:
        """Continue exactly behind what the newest snapshots have learned, once those are known."""
        try:
            await asyncio.wait_for(self._known(), _KNOWN_WITHIN_S)
        except TimeoutError as error:
            raise WorkerError(f"the models topic could not be read within {_KNOWN_WITHIN_S:.0f} seconds") from error
        self.active = True
        known = self._models.followers
        names = self._rulebook.models if self._rulebook is not None else [name for name in known if not is_seed(name)]
        return self._trainer.restore({name: follower for name, follower in known.items() if name in names})

    def on_revoked(self, partition: int) -> None:
        """Someone else learns from now on."""
        self.active = False
        self._publish_trust({})
        metrics = self._metrics
        for gauge in (metrics.challenger_gain, metrics.challenger_stands, metrics.slice_ece, metrics.slice_off):
            gauge.clear()

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Learn from a batch of examples. What has changed is published by the clock, and in one order."""
        assert self._rulebook is not None  # no partition is read before a rulebook is there
        outcome = Outcome()
        for record in records:
            try:
                if record.key == MODEL_COMMAND:
                    outcome.read_from = self._rule(record)
                    if outcome.read_from is not None:
                        break
                    continue
                if not self._is_sealed(record):
                    raise LabelError("not_a_workers", "it does not come from a worker")
                example = decode_example(record.value or b"", self._settings.partitions)
                spec = self._rulebook.models.get(example.model)
                if spec is not None and self._learn(example, record.offset, spec):
                    self._metrics.learned.labels(example.model).inc()
                    self._watch(example)
                self._tell_promotions()
            except Exception as error:  # one message must never stop the trainer
                reason = error.reason if isinstance(error, LabelError) else "not_an_example"
                self._rejector.reject(outcome, record, reason, error)
        return outcome

    def _learn(self, example: Example, offset: int, spec: ModelSpec) -> bool:
        return self._trainer.learn(example, offset, spec.river, spec.promotes, spec.answer_model is not None)

    def learned(self) -> Mapping[str, LearnedModel]:
        """The models as they are now."""
        return self._trainer.models

    def _watch(self, example: Example) -> None:
        if example.presumes or example.confirms or example.verdict == "retracted":
            return
        watch = self._drift.setdefault(example.model, LossDrift())
        if watch.add(example.score, example.verdict == "spam"):
            self._metrics.drift.labels(example.model, "loss").inc()
            _log.warning("labels surprise a model", model=example.model, event_id=example.event_id)

    def _rule(self, record: Any) -> int | None:
        """A model command: the offset from which the examples have to be read again, if they have to be."""
        if self._accept(record, "model") is None:
            raise LabelError("not_a_publishers", "it does not come from one who may command models")
        model_command, place = decode_model_command(record.value), (record.offset, sequence_of(record))
        match model_command:
            case Quarantine(moderator=moderator, quarantined=quarantined):
                begins = self._trainer.quarantine(moderator, quarantined, *place)
                if begins is not None:
                    _log.info("learning anew", moderator=moderator, quarantined=quarantined, offset=record.offset)
                return begins
            case Restore(model=model, number=number, pinned=pinned):
                if self._rulebook is None or model not in self._rulebook.models:
                    raise LabelError("no_such_model", f"the rules in use have no model {model[:100]!r}")
                if self._trainer.restore_seed(model, number, pinned, *place):
                    return None
                return self._await_seed(record.offset)
            case Pin(model=model, pinned=pinned):
                self._trainer.pin(model, pinned, *place)
            case Promote(model=model, promoted=promoted):
                spec = self._rulebook.models.get(model) if self._rulebook is not None else None
                if spec is None or spec.challenger is None:
                    raise LabelError("no_challenger", f"the rules in use have no challenger of {model[:100]!r}")
                self._trainer.promote(model, spec.challenger, promoted, *place)
        return None

    def _await_seed(self, offset: int) -> int:
        """What a model is to go on from is on its way: look again, but not for ever."""
        now = self._clock()
        if self._awaits is None or self._awaits[0] != offset:
            self._awaits = offset, now
        if now - self._awaits[1] > _SEED_WITHIN_S:
            raise LabelError(
                "no_seed", f"the model that this restores has not come within {_SEED_WITHIN_S:.0f} seconds"
            )
        return offset

    def due_snapshots(self) -> list[Message]:
        """What there is to publish of models that have learned something, not more often than the settings say."""
        now = self._clock()
        interval_s = self._settings.snapshot_interval_ms / 1000
        if not self.active or not self._trainer.ready() or now - self._published_at < interval_s:
            return []
        self._published_at = now
        for name in self._trainer.changed:
            auc = self._trainer.models[name].judged.roc_auc()
            if auc is not None:
                self._metrics.quality.labels(name).set(auc)
            self._compare(name)
        self._publish_slices()
        self._publish_trust(self._trainer.models)
        topic = self._settings.topics.models
        messages = [Message(topic, key.encode(), value) for key, value in self._trainer.publications()]
        for name, why in self._trainer.unpublished.items():
            _log.error("a model cannot be published; the last publication stays in use", model=name, error=why)
        return messages

    def _publish_slices(self) -> None:
        """How right scores are in the largest slices: of each name a few, whatever values senders make up."""
        self._metrics.slice_ece.clear()
        self._metrics.slice_off.clear()
        for model in self._trainer.models.values():
            for one in model.sliced.slices():
                self._metrics.slice_ece.labels(model.name, one.name, one.value).set(one.ece)
                if one.is_off:
                    self._metrics.slice_off.labels(model.name, one.name, one.value).set(one.gap)

    def _tell_promotions(self) -> None:
        while self._trainer.promoted:
            name, promoted = self._trainer.promoted.pop()
            said = "a challenger stands in its model's place" if promoted else "a challenger has sunk: its model stands"
            _log.warning(said, model=name, challenger=self._trainer.models[name].compared.challenger)

    def _compare(self, name: str) -> None:
        """Tell how a model and its challenger compare."""
        compared = self._trainer.models[name].compared
        gain = compared.gain()
        if gain is not None:
            for bound in gain._fields:
                self._metrics.challenger_gain.labels(name, bound).set(getattr(gain, bound))
        if compared.challenger is not None:
            self._metrics.challenger_stands.labels(name).set(compared.promoted)

    def _publish_trust(self, models: Mapping[str, LearnedModel]) -> None:
        """How the moderators stand who are trusted least, in whichever model that is: so many and no more."""
        trust, disagreement = self._metrics.trust, self._metrics.disagreement
        trust.clear()
        disagreement.clear()
        standing: dict[str, float] = {}
        for model in models.values():
            for name, weight in model.moderator_trust.weights_by_moderator().items():
                standing[name] = min(weight, standing.get(name, 1.0))
        for name in sorted(standing, key=lambda moderator: (standing[moderator], moderator))[:MOST_TOLD]:
            trust.labels(name).set(standing[name])
            for against in get_args(Judge):
                shares = [model.moderator_trust.share(name, against) for model in models.values()]
                disagreement.labels(name, against).set(max(shares))
