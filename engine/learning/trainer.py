"""The one learner of each model. It learns from examples in their order, each exactly once.

A snapshot carries how far it has learned, in the examples topic and in each labels partition. A trainer
that starts from a snapshot therefore continues exactly behind it, and an example that a crash has sent
twice is recognised by the label it came from.
"""

from collections import deque
from collections.abc import Mapping

from engine.core.rules import ModelSpec
from engine.learning.features import decode_features
from engine.learning.labels import Example
from engine.learning.models import LearnedModel, restore_model

QUALITY_WINDOW = 500


class Trainer:
    """Learns every model of the rulebook. Models are created when their first example comes."""

    def __init__(self) -> None:
        self.models: dict[str, LearnedModel] = {}
        self.changed: set[str] = set()
        self.quality: dict[str, Quality] = {}
        self._published: set[str] = set()

    def restore(self, snapshots: Mapping[str, bytes]) -> int:
        """Begin from these snapshots, forgetting anything else. Returns the first offset not learned."""
        self.models = {name: restore_model(data) for name, data in snapshots.items()}
        self._published = set(self.models)
        self.changed.clear()
        return min((model.next_offset for model in self.models.values()), default=0)

    def learn(self, example: Example, spec: ModelSpec, offset: int) -> bool:
        """Learn from the example at an offset of the examples topic; False when it is known already."""
        model = self.models.get(example.model)
        if model is None:
            model = self.models[example.model] = LearnedModel(example.model, spec.learning_rate)
        partition, label_offset = example.source
        if offset < model.next_offset:
            return False
        model.next_offset = offset + 1
        if label_offset <= model.label_offsets.get(partition, -1):
            return False
        model.label_offsets[partition] = label_offset
        model.learn(decode_features(example.features), example.spam)
        self.quality.setdefault(example.model, Quality()).add(example.score, example.spam)
        self.changed.add(example.model)
        return True

    def snapshots(self) -> dict[str, bytes]:
        """The models that have changed since the last call. New ones first: where a trainer begins again
        is the earliest offset of the snapshots that there are."""
        changed = sorted(self.changed, key=lambda name: (name in self._published, name))
        taken = {name: self.models[name].snapshot() for name in changed}
        self._published |= self.changed
        self.changed.clear()
        return taken


class Quality:
    """How good the scores were, on the last labels: scores as given, before anything was learned."""

    def __init__(self, window: int = QUALITY_WINDOW) -> None:
        self._seen: deque[tuple[float, bool]] = deque(maxlen=window)

    def add(self, score: float | None, spam: bool) -> None:
        """A label, with the score that the event was given; unknown scores do not count."""
        if score is not None:
            self._seen.append((score, spam))

    def roc_auc(self) -> float | None:
        """The chance that spam scores above ham; None without both."""
        ranked = sorted(self._seen)
        positives = sum(spam for _, spam in ranked)
        negatives = len(ranked) - positives
        if not positives or not negatives:
            return None
        wins, at = 0.0, 0
        below = 0
        while at < len(ranked):
            end = at
            while end < len(ranked) and ranked[end][0] == ranked[at][0]:
                end += 1
            spam = sum(flag for _, flag in ranked[at:end])
            ham = end - at - spam
            wins += spam * (below + ham / 2)
            below += ham
            at = end
        return wins / (positives * negatives)
