"""Labels are joined with what the models read when they scored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import structlog

from engine.core.domain.rules import Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.kernel import hash64, hash_all, identity_of
from engine.errors import LabelError, SnapshotError, StateError
from engine.learning.drift import ScoreDrift
from engine.learning.labels import Example, Label, decode_known, encode_known, join, subject_of
from engine.learning.models import LearnedModel
from engine.learning.review import choose
from engine.learning.scored import ScoredModel, ScoredRows, blocks, read_scored
from engine.learning.scorers import ModelScorer, scorer
from engine.learning.snapshots import SnapshotReader, seed_of
from engine.settings import Settings
from engine.state.scored import Found, ScoredKeys, payload_of
from engine.state.store import PartitionState
from engine.stream.handlers.batches import Outcome, Rejector, StateOutcome, States
from engine.stream.handlers.forgiving import Revocation, forgive_strikes
from engine.stream.handlers.label_messages import decode_message, encode_example, encode_review
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.publishers import Accept, accept_all, sequence_of

_log = structlog.stdlib.get_logger("floodgate")

_BLOCK_EVENTS = 250
"""A label reads the whole block that its event is in."""

MAX_MODELS = 32
"""Seeds among them. Each is held in memory as a whole, whoever has published it."""

MAX_NAME_CHARS = 200
"""Of a model."""

_LABELS_AT_ONCE = 250
"""Each may be in a block of its own, and all of these are in memory at once."""


class Models:
    """The newest state of each model, as followed from the models topic."""

    def __init__(self) -> None:
        self.followers: dict[str, SnapshotReader] = {}
        self._learned: dict[str, LearnedModel] = {}
        self._wanted: frozenset[str] = frozenset()

    def use(self, rulebook: Rulebook) -> None:
        """The models of this rulebook, and their seeds, have their places before all others."""
        self._wanted = frozenset(name for model in rulebook.models for name in (model, seed_of(model)))

    def receive(self, key: str, value: bytes) -> LearnedModel | None:
        """A message of the models topic: the model that it completes, if it does. Raises SnapshotError."""
        name = key.partition("/")[0]
        if not 0 < len(name) <= MAX_NAME_CHARS or len(key) > 2 * MAX_NAME_CHARS:
            raise SnapshotError(f"{name[:100]!r} is not the name of a model")
        follower = self.followers.get(name)
        if follower is None:
            if len(self.followers) >= MAX_MODELS and not (name in self._wanted and self._make_room()):
                raise SnapshotError(f"there are {MAX_MODELS} models already; {name[:100]!r} would be one more")
            follower = SnapshotReader()
        is_whole = follower.receive(key, value)
        self.followers[name] = follower  # not before: what is refused takes no model's place
        if not is_whole:
            return None
        self._learned[name] = follower.model()
        return self._learned[name]

    def _make_room(self) -> bool:
        """Forget a model that nobody asks for, one that is not whole if there is one; False where all are wanted."""
        unwanted = [name for name in self.followers if name not in self._wanted]
        if not unwanted:
            return False
        name = min(unwanted, key=lambda one: self.followers[one].head is not None)
        del self.followers[name]
        self._learned.pop(name, None)
        return True

    def adopt(self, learned: Mapping[str, LearnedModel]) -> None:
        """Score with models that are still learning, with nothing published in between."""
        self._learned.update(learned)

    def scorers(self, rulebook: Rulebook) -> dict[str, ModelScorer]:
        """A scorer for each model that a rulebook declares."""
        return {name: scorer(spec, self._learned.get(name)) for name, spec in rulebook.models.items()}


class Source(NamedTuple):
    """Where a batch comes from. `arrivals`: the identities of its events, and the offsets at which they came."""

    partition: int
    arrivals: Iterable[tuple[int, int]]


class ScoredEvents:
    """What becomes of the events that models have scored: kept for labels, some presumed to be ham, some put up for
    review, all watched for drift.
    `topic`: which batches they are scored in."""

    def __init__(self, topic: int, settings: Settings, metrics: Metrics) -> None:
        self._topic, self._settings, self._metrics = topic, settings, metrics
        self._pseudonyms = settings.pseudonyms()
        self._drift: dict[str, ScoreDrift] = {}

    def use(self, evaluator: Evaluator) -> None:
        """The models that are asked from now on. What watches their scores is dear to import: here no event waits."""
        for name, asked in evaluator.scorers.items():
            if name not in self._drift and isinstance(asked, ModelScorer):
                self._drift[name] = ScoreDrift()

    def keep(self, outcome: StateOutcome, evaluator: Evaluator, source: Source) -> None:
        """Keep what was scored in a batch, for the labels to come, and ask for some."""
        assert outcome.state is not None
        taken = [scorer.take() for scorer in evaluator.scorers.values() if isinstance(scorer, ModelScorer)]
        scored = [rows for rows in taken if rows is not None]
        events = {
            key: evaluator.event_at(place)
            for rows in scored
            for key, place in zip(rows.keys.tolist(), rows.places.tolist(), strict=True)
        }
        for keys, payload in blocks(scored, _BLOCK_EVENTS):
            own = [events[key] for key in keys.tolist()]
            users = np.array(hash_all([event.user_id for event in own]), np.uint64)
            ids = np.array(hash_all([event.event_id for event in own]), np.uint64)
            outcome.keep_scored([outcome.state.scored.put(self._topic, ScoredKeys(keys, users, ids), payload)])
        for rows in scored:
            for one in choose(rows, self._settings.review_share):
                event = evaluator.event_at(one.place)
                if self._pseudonyms is not None:  # a label finds its event by the user whose it is
                    event = replace(event, user_id=self._pseudonyms.reveal(event.user_id))
                value = encode_review(event, rows, one)
                outcome.messages.append(Message(self._settings.topics.review, event.user_id.encode(), value))
            self._watch(rows)
            self._presume(outcome, evaluator, rows, source)

    def _presume(self, outcome: StateOutcome, evaluator: Evaluator, rows: ScoredRows, source: Source) -> None:
        """Take a share of the events for ham, each for as many as it stands for, until a label says otherwise."""
        presumed = rows.presumed()
        arrivals = list(source.arrivals) if presumed else []
        offsets = dict(reversed(arrivals))  # the first of one identity
        for row in presumed:
            event, score = evaluator.event_at(int(rows.places[row])), float(rows.scores[row])
            example = Example(
                rows.model, event.event_id, "ham", None, None if isnan(score) else score, rows.names, rows.inputs(row),
                (-1 - 2 * source.partition - self._topic, offsets[int(rows.keys[row])]), event.ts_ms, None,
                rows.presume, presumed=rows.presume,
            )  # fmt: skip
            topic = self._settings.topics.examples
            outcome.messages.append(Message(topic, rows.model.encode(), encode_example(example)))

    def _watch(self, rows: ScoredRows) -> None:
        known = rows.scores[~np.isnan(rows.scores)]
        if self._drift[rows.model].add(known.tolist()):
            self._metrics.drift.labels(rows.model, "scores").inc()
            _log.warning("the scores of a model have changed", model=rows.model, mean=round(float(known.mean()), 4))


class LabelWorker:
    """Joins labels with the features as scored; the examples go to the trainer."""

    def __init__(self, settings: Settings, states: States, metrics: Metrics, accept: Accept = accept_all) -> None:
        self._topics, self._states, self._metrics, self._accept = settings.topics, states, metrics, accept
        self._pseudonyms, self._mapping = settings.pseudonyms(), settings.labels.mapping()
        self._rejector = Rejector(settings.topics.dead_letters, metrics)
        self._labels_by = cache(metrics.labels.labels)

    async def on_assigned(self, partition: int) -> int | None:
        """Read from the committed offset."""
        return None

    def on_revoked(self, partition: int) -> None:
        """The state belongs to the event worker, which ends it."""

    def process(self, partition: int, records: Sequence[Any]) -> Outcome:
        """One batch of labels."""
        outcome = StateOutcome(state=self._states(partition))
        told = [(record, self._decode(outcome, record)) for record in records]
        revocations = [(record, one) for record, one in told if isinstance(one, Revocation)]
        self._metrics.forgiven.inc(forgive_strikes(outcome, revocations, self._names, self._rejector))
        labels = self._with_events(outcome, [(record, one) for record, one in told if isinstance(one, Label)])
        for start in range(0, len(labels), _LABELS_AT_ONCE):
            self._join(outcome, partition, labels[start : start + _LABELS_AT_ONCE])
        return outcome

    def _decode(self, outcome: Outcome, record: Any) -> Label | Revocation | None:
        try:
            label = decode_message(record.value, self._mapping)
            origin = self._accept(record, "revoke" if isinstance(label, Revocation) else "label")
            if origin is None:
                raise LabelError("not_a_publishers", "it does not come from one who may publish this")
            if isinstance(label, Revocation):
                return label
            if origin.name is not None:
                label = replace(label, sequence=sequence_of(record))
            return label if origin.speaks_for_others else replace(label, moderator=origin.name)
        except Exception as error:  # one label must never stop a partition
            reason = error.reason if isinstance(error, LabelError) else "not_a_label"
            self._rejector.reject(outcome, record, reason, error)
            return None

    def _with_events(self, outcome: StateOutcome, labels: list[tuple[Any, Label]]) -> list[tuple[Any, Label]]:
        """Labels of actions become labels of the events that these are about; of others, the event is looked up."""
        assert outcome.state is not None
        named = self._with_actions(outcome, labels)
        scored = outcome.state.scored_events(hash64(label.event_id) for _, label in named)
        found = []
        for record, label in named:
            candidates = scored[hash64(label.event_id)]
            meant = self._meant(record, label, candidates)
            if len({one.identity for one in meant}) > 1:
                self._labels_by("ambiguous").inc()
                _log.warning("a label fits several events: give its user_id and type", event_id=label.event_id)
            elif meant:
                found.append((record, replace(label, identity=meant[0].identity)))
            elif record.key is not None:  # else it was sent to every partition
                self._labels_by("unmatched").inc()
        return found

    def _meant(self, record: Any, label: Label, candidates: list[Found]) -> list[Found]:
        """Those of the scored events with a label's id that it can be about."""
        if label.identity:
            return [one for one in candidates if one.identity == label.identity]
        user = label.user_id or (record.key or b"").decode("utf-8", "replace")
        if not user:
            return candidates
        names = self._names(user)
        if label.type is not None:
            identities = {identity_of(name, label.type, label.event_id) for name in names}
            return [one for one in candidates if one.identity in identities]
        users = {hash64(name) for name in names}
        return [one for one in candidates if one.user in users]

    def _names(self, user: str) -> list[str]:
        """The names under which a user may be known in the state."""
        return [user] if self._pseudonyms is None else [user, *self._pseudonyms.every(user)]

    def _with_actions(self, outcome: StateOutcome, labels: list[tuple[Any, Label]]) -> list[tuple[Any, Label]]:
        assert outcome.state is not None
        actions = {label.action_id for _, label in labels if label.action_id is not None}
        if not actions:
            return labels
        events, known = outcome.state.events_of_actions(actions), []
        for record, label in labels:
            if label.action_id is None:
                known.append((record, label))
            elif label.action_id in events:
                identity, event_id = events[label.action_id]
                known.append((record, replace(label, event_id=event_id, identity=identity)))
            elif record.key is not None:  # else it was sent to every partition
                self._labels_by("unmatched").inc()
        return known

    def _join(self, outcome: StateOutcome, partition: int, labels: Sequence[tuple[Any, Label]]) -> None:
        assert outcome.state is not None
        keys = [label.identity for _, label in labels]
        subjects = [subject_of(label.identity, label.policy) for _, label in labels]
        scored, verdicts = self._scored(outcome.state, labels), outcome.state.verdicts(subjects)
        for (record, label), key, subject in zip(labels, keys, subjects, strict=True):
            seen = scored.get(key, [])
            if isinstance(seen, StateError):
                self._rejector.reject(outcome, record, "unreadable_state", seen)
                continue
            known = decode_known(verdicts[subject]) if subject in verdicts else None
            result, examples = join(label, seen, known, (partition, record.offset))
            if result == "unmatched" and record.key is None:
                continue  # sent to every partition because its user was not known: it joins in one of them
            self._labels_by(result).inc()
            if result not in ("unmatched", "duplicate"):
                verdicts[subject] = encode_known(label)
                outcome.keep_scored([outcome.state.scored.put_verdict(subject, verdicts[subject])])
            for example in examples:
                outcome.messages.append(Message(self._topics.examples, example.model.encode(), encode_example(example)))

    def _scored(
        self, state: PartitionState, labels: Iterable[tuple[Any, Label]]
    ) -> dict[int, list[ScoredModel] | StateError]:
        """What models saw and said of the events of these labels; an error where that cannot be read."""
        found: dict[int, list[ScoredModel] | StateError] = {}
        wanted: dict[bytes, list[int]] = {}
        identities = {label.identity for _, label in labels}
        for some in state.scored_events(hash64(label.event_id) for _, label in labels).values():
            for one in some:
                if one.identity in identities:
                    wanted.setdefault(one.block, []).append(one.identity)
        for name, block in state.scored_blocks(wanted).items():
            own = wanted[name]
            try:
                for key, model in read_scored(payload_of(block), own):
                    known = found.setdefault(key, [])
                    if isinstance(known, list):
                        known.append(model)
            except StateError as error:
                found.update(dict.fromkeys(own, error))
        return found
