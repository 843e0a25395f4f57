"""The one learner of each model. It learns from examples in their order, each exactly once.

What is published carries how far it has learned, in the examples topic and in each labels partition. A trainer
that starts from it therefore continues exactly behind it, and an example that a crash has sent twice is recognised
by the label it came from.
"""

from collections import deque
from collections.abc import Iterator, Mapping

from engine.learning.labels import Example
from engine.learning.metrics import roc_auc
from engine.learning.models import LearnedModel
from engine.learning.snapshots import Follower, Publisher

QUALITY_WINDOW = 500


class Trainer:
    """Learns every model of the rulebook. Models are created when their first example comes."""

    def __init__(self) -> None:
        self.models: dict[str, LearnedModel] = {}
        self.changed: set[str] = set()
        self.quality: dict[str, Quality] = {}
        self._publishers: dict[str, Publisher] = {}

    def restore(self, known: Mapping[str, Follower]) -> int:
        """Begin from these models, forgetting anything else. Returns the first offset not learned."""
        copies = {name: follower.copy() for name, follower in known.items() if follower.head is not None}
        self.models = {name: model for name, (model, _) in copies.items()}
        self._publishers = {name: publisher for name, (_, publisher) in copies.items()}
        self.changed.clear()
        return min((model.next_offset for model in self.models.values()), default=0)

    def learn(self, example: Example, offset: int) -> bool:
        """Learn from the example at an offset of the examples topic; False when it is known already."""
        model = self.models.get(example.model)
        if model is None:
            model = self.models[example.model] = LearnedModel(example.model)
        partition, label_offset = example.source
        if offset < model.next_offset:
            return False
        model.next_offset = offset + 1
        if label_offset <= model.label_offsets.get(partition, -1):
            return False
        model.label_offsets[partition] = label_offset
        self.changed.add(example.model)
        if example.moderator in model.quarantined:
            return False
        model.learn(example)
        if example.verdict != "retracted":
            self.quality.setdefault(example.model, Quality()).add(example.score, example.verdict == "spam")
        return True

    def rule(self, moderator: str, quarantined: bool, offset: int) -> bool:
        """A ruling at an offset: from the first example to the last, a moderator's labels count or do not. True when
        the models begin anew, to be taught everything again."""
        anew = False
        for name, model in self.models.items():
            if offset <= model.ruled:
                if offset == model.ruled:  # it has been taught again all that there was before
                    model.next_offset = offset + 1
                    self.changed.add(name)
                continue
            names = model.quarantined | {moderator} if quarantined else model.quarantined - {moderator}
            self.models[name] = LearnedModel(name, quarantined=names, ruled=offset)
            self._publishers[name] = self._publishers.get(name, Publisher()).anew()
            anew = True
        return anew

    def ready(self) -> bool:
        """Whether there is something to publish, and no model is being learned anew."""
        return bool(self.changed) and all(model.next_offset > model.ruled for model in self.models.values())

    def publications(self) -> Iterator[tuple[str, bytes]]:
        """Keys and values that tell what has changed since the last call. New models first: where a trainer begins
        again is the earliest offset of the models that there are."""
        changed = sorted(self.changed, key=lambda name: (name in self._publishers, name))
        self.changed.clear()
        for name in changed:
            yield from self._publishers.setdefault(name, Publisher()).publish(self.models[name])


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
        return roc_auc([score for score, _ in self._seen], [spam for _, spam in self._seen])
