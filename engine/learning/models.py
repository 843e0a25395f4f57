"""One model as it learns: the learner, what it has learned from, and how far that goes."""

from dataclasses import dataclass, field

import numpy as np

from engine.learning.features import Vector, featurizer
from engine.learning.labels import Example
from engine.learning.linear import INDICES, Indices, sigmoid
from engine.learning.ngrams import HashedNgrams
from engine.learning.teachers import Teachers
from engine.learning.thresholds import Thresholds

MAX_CORRECTION = 10.0
"""What a label of an event that was unlikely to get one counts at most."""


@dataclass(slots=True)
class LearnedModel:
    """A learner and its history. `next_offset`: the first example it has not learned from; `label_offsets`: per
    labels partition, the last label it has learned from; `quarantined`: moderators whose labels do not count;
    `ruled`: the offset of the last ruling that has been followed; `begins`: of the first example that counts;
    `seeded`: whether it began from a seed rather than from nothing; `pinned`: whether it stays as it is."""

    name: str
    labels: int = 0
    spam: int = 0
    next_offset: int = 0
    label_offsets: dict[int, int] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    ruled: int = -1
    begins: int = 0
    seeded: bool = False
    pinned: bool = False
    teachers: Teachers = field(default_factory=Teachers)
    judged: Thresholds = field(default_factory=Thresholds)
    learner: HashedNgrams = field(default_factory=HashedNgrams)
    _touched: list[Indices] = field(default_factory=list)

    @property
    def version(self) -> str:
        """Names what has been learned: the same labels give the same version."""
        return f"{self.name}-{self.labels}"

    def knows(self, min_labels: int) -> bool:
        """Whether enough labels of both kinds are behind it."""
        return self.labels >= max(1, min_labels) and 0 < self.spam < self.labels

    def learn(self, example: Example) -> None:
        """One label: a verdict, another verdict than before, or one that is taken back."""
        vector = featurizer(example.names).vector(example.inputs)
        self._touched.append(vector.indices)
        push = 1 / max(example.propensity, 1 / MAX_CORRECTION)
        if example.verdict == "retracted":
            self.learner.restore(vector, example.score if example.score is not None else 0.5, push)
            self._count(-1, example.before == "spam")
            return
        spam, campaign = example.verdict == "spam", _campaign(vector, example)
        self.judged.add(example.score, spam)
        push *= self.teachers.weight(example.moderator, campaign) * (2 if example.before else 1)
        logit = self.learner.learn(vector, spam, push)
        self.teachers.note(example.moderator, campaign, sigmoid(-logit if spam else logit))
        if example.before:
            self._count(-1, example.before == "spam")
        self._count(1, spam)

    def touch(self, indices: Indices) -> None:
        """These indices are to be published anew."""
        self._touched.append(indices)

    def touched(self) -> Indices:
        """The indices that have changed since the last call, in their order."""
        changed = np.zeros(INDICES, bool)
        for indices in self._touched:
            changed[indices] = True
        self._touched.clear()
        return np.flatnonzero(changed).astype(np.uint32)

    def _count(self, labels: int, spam: bool) -> None:
        self.labels += labels
        self.spam += labels * spam


def _campaign(vector: Vector, example: Example) -> int | None:
    """Nearly the same texts mostly have the same number: the smallest index among their n-grams (min-wise hashing,
    Broder 1997). None without a text or a moderator."""
    if example.moderator is None or not any(example.inputs.texts):
        return None
    return int(vector.indices[: np.count_nonzero(vector.values == vector.values[0])].min())
