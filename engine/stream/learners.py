"""Labels are joined with what was scored, and examples are learned."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from engine.core.kernel import hash64
from engine.core.rules import Rulebook, Scorer
from engine.errors import LabelError, StateError
from engine.learning.labels import Label, Verdict, join
from engine.learning.models import LearnedModel
from engine.learning.scored import ScoredModel, read_scored
from engine.learning.scorers import ModelScorer
from engine.learning.snapshots import Follower
from engine.learning.trainer import Trainer
from engine.settings import Settings
from engine.state.store import PartitionState
from engine.stream.handlers import Outcome, Rejector, StateOutcome, States
from engine.stream.messages import Message, decode_example, decode_label, encode_example
from engine.stream.metrics import Metrics

_PIECE_EVENTS = 250
"""A label reads the whole piece that its event is in."""

_LABELS_AT_ONCE = 250
"""Each may be in a piece of its own, and all of these are in memory at once."""

_KNOWN_WITHIN_S = 20.0
"""Less than the thirty seconds after which Faust's recovery would end in silence."""


async def _at_once() -> None:
    """The newest snapshots are known already."""


class Models:
    """The newest state of each model, as followed from the models topic."""

    def __init__(self) -> None:
        self.followers: dict[str, Follower] = {}
        self._learned: dict[str, LearnedModel] = {}

    def receive(self, key: str, value: bytes) -> LearnedModel | None:
        """A message of the models topic: the model that it completes, if it does. Raises SnapshotError."""
        name = key.partition("/")[0]
        follower = self.followers.get(name)
        if follower is None:
            follower = self.followers[name] = Follower()
        if not follower.receive(key, value):
            return None
        self._learned[name] = follower.model()
        return self._learned[name]

    def adopt(self, learned: Mapping[str, LearnedModel]) -> None:
        """Score with models that are still learning, with nothing published in between."""
        self._learned.update(learned)

    def scorers(self, rulebook: Rulebook) -> dict[str, ModelScorer]:
        """A scorer for each model that a rulebook declares."""
        return {name: ModelScorer(spec, self._learned.get(name)) for name, spec in rulebook.models.items()}


def keep_scored(outcome: StateOutcome, topic: int, scorers: Iterable[Scorer]) -> None:
    """Keep what the models have scored in a batch of a topic, for the labels to come."""
    assert outcome.state is not None
    for scorer in scorers:
        rows = scorer.take() if isinstance(scorer, ModelScorer) else None
        for piece in rows.pieces(_PIECE_EVENTS) if rows is not None else ():
            outcome.keep_scored([outcome.state.scored.put(topic, piece.keys, piece.encode())])


class LabelWorker:
    """Joins labels with the features as scored; the examples go to the trainer."""

    def __init__(self, settings: Settings, states: States, metrics: Metrics) -> None:
        self._topics, self._states, self._metrics = settings.topics, states, metrics
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._labels_by = cache(metrics.labels.labels)

    async def begin(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def end(self, partition: int) -> None:
        """The state belongs to the event worker, which ends it."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of labels."""
        outcome = StateOutcome(state=self._states(partition))
        labels = [(record, label) for record in records if (label := self._decode(outcome, record)) is not None]
        for start in range(0, len(labels), _LABELS_AT_ONCE):
            self._join(outcome, partition, labels[start : start + _LABELS_AT_ONCE])
        return outcome

    def _decode(self, outcome: Outcome, record: Any) -> Label | None:
        try:
            return decode_label(record.value)
        except LabelError as error:
            self._rejector.reject(outcome, record, error.reason, error)
            return None

    def _join(self, outcome: StateOutcome, partition: int, labels: Sequence[tuple[Any, Label]]) -> None:
        assert outcome.state is not None
        keys = [hash64(label.event_id) for _, label in labels]
        scored, verdicts = self._scored(outcome.state, keys), outcome.state.verdicts(keys)
        for (record, label), key in zip(labels, keys, strict=True):
            seen = scored.get(key, [])
            if isinstance(seen, StateError):
                self._rejector.reject(outcome, record, "unreadable_state", seen)
                continue
            result, examples = join(label, seen, cast(Verdict | None, verdicts.get(key)), (partition, record.offset))
            if result == "unmatched" and record.key is None:
                continue  # sent to every partition because its user was not known: it joins in one of them
            self._labels_by(result).inc()
            if result not in ("unmatched", "duplicate"):
                verdicts[key] = label.verdict
                outcome.keep_scored([outcome.state.scored.put_verdict(key, label.verdict)])
            for example in examples:
                outcome.messages.append(Message(self._topics.examples, example.model.encode(), encode_example(example)))

    def _scored(self, state: PartitionState, keys: Sequence[int]) -> dict[int, list[ScoredModel] | StateError]:
        """What models saw and said of these events; an error where that cannot be read."""
        found: dict[int, list[ScoredModel] | StateError] = {}
        for piece, own in state.scored_pieces(keys):
            try:
                for key, model in read_scored(piece, own):
                    known = found.setdefault(key, [])
                    if isinstance(known, list):
                        known.append(model)
            except StateError as error:
                found.update(dict.fromkeys(own, error))
        return found


class TrainerWorker:
    """Runs on the one worker that owns the examples topic's partition: learns and publishes snapshots.

    `known` waits until the newest snapshots have been read.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        known: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self._settings, self._models, self._metrics = settings, models, metrics
        self._clock, self._known = clock, known
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._trainer = Trainer()
        self._rulebook: Rulebook | None = None
        self._published_at = clock()
        self.active = False

    def use(self, rulebook: Rulebook) -> None:
        """Learn the models of this rulebook."""
        self._rulebook = rulebook

    async def begin(self, partition: int) -> int | None:
        """Continue exactly behind what the newest snapshots have learned, once those are known."""
        try:
            await asyncio.wait_for(self._known(), _KNOWN_WITHIN_S)
        except TimeoutError as error:
            raise RuntimeError(f"the models topic could not be read within {_KNOWN_WITHIN_S:.0f} seconds") from error
        self.active = True
        known = self._models.followers
        wanted = self._rulebook.models if self._rulebook is not None else known
        return self._trainer.restore({name: follower for name, follower in known.items() if name in wanted})

    def end(self, partition: int) -> None:
        """Someone else learns from now on."""
        self.active = False

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of examples, and the snapshots that are due."""
        outcome = self.learn(partition, records)
        outcome.messages += self.due_snapshots()
        return outcome

    def learned(self) -> Mapping[str, LearnedModel]:
        """The models as they are now."""
        return self._trainer.models

    def learn(self, partition: int, records: Sequence[Any]) -> Outcome:
        """Learn from a batch of examples."""
        assert self._rulebook is not None  # no partition is read before a rulebook is there
        outcome = Outcome()
        for record in records:
            try:
                example = decode_example(record.value or b"")
                if example.model in self._rulebook.models and self._trainer.learn(example, record.offset):
                    self._metrics.learned.labels(example.model).inc()
            except (LabelError, StateError) as error:
                self._rejector.reject(outcome, record, "not_an_example", error)
        return outcome

    def due_snapshots(self) -> list[Message]:
        """What there is to publish of models that have learned something, not more often than the settings say."""
        now = self._clock()
        interval_s = self._settings.snapshot_interval_ms / 1000
        if not self.active or not self._trainer.changed or now - self._published_at < interval_s:
            return []
        self._published_at = now
        for name in self._trainer.changed:
            auc = self._trainer.quality[name].roc_auc()
            if auc is not None:
                self._metrics.quality.labels(name).set(auc)
        topic = self._settings.topics.models
        return [Message(topic, key.encode(), value) for key, value in self._trainer.publications()]
