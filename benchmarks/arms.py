"""The default learner with more to it: AROW as a fifth arm of the mixture, and past labels that are learned again.

`benchmarks.learners --arms` compares them with the default; `benchmarks.delays --arms` has labels of spam that count
more often than ham, where spam is rare. What is adopted is in the engine; these are for looks at what is not.
"""

from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import numpy as np

from benchmarks.late_labels import Rival, of_learner
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase
from engine.learning.features import Vector
from engine.learning.kernel import learn, logits
from engine.learning.labels import Example
from engine.learning.linear import ARMS, INDICES, add_losses, mixed
from engine.learning.ngrams import MEMORY, HashedNgrams

REPLAYED_FROM = 2_000
"""The labels that are learned again are drawn from the last so many."""
SURE = 4.0
"""The logit at a margin of one, which AROW learns up to."""


class Replaying(HashedNgrams):
    """After each label, some past ones are learned once more."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times, self._past, self._draws = times, deque[tuple[Vector, bool, float]](maxlen=REPLAYED_FROM), Random(0)

    def learn(
        self, vector: Vector, spam: bool, push: float = 1.0, proves: bool = True, undone: float = 0.0,
        stands_for: float = 1.0, again: float = 0.0,
    ) -> float:  # fmt: skip
        """One label, and others."""
        before = super().learn(vector, spam, push, proves, undone, stands_for, again)
        for _ in range(self._times if self._past else 0):
            past, was_spam, its_push = self._draws.choice(self._past)
            learn(*past, self.weights, self.gradients, self._rates, float(was_spam), its_push, self._touched)
        self._past.append((vector, spam, push))
        return before


class Boosted(EvaluatedModel):
    """A label of spam counts so many times, and a score's odds are so many times lower: rare spam is learned sooner."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self._times = times

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""
        score = super().score(case)
        return score / (score + self._times * (1 - score))

    def learn(self, example: Example) -> None:
        """One label."""
        is_spam = example.verdict == "spam"
        super().learn(replace(example, propensity=example.propensity / self._times) if is_spam else example)


class WithArow(HashedNgrams):
    """A fifth arm: AROW (Crammer, Kulesza and Dredze 2009) on the same features. `doubt`: its r."""

    def __init__(self, doubt: float = 1.0) -> None:
        super().__init__()
        self._doubt, self.losses = doubt, [0.0] * (ARMS + 1)
        self._means, self._variances = np.zeros(INDICES, np.float32), np.ones(INDICES, np.float32)

    def learn(
        self, vector: Vector, spam: bool, push: float = 1.0, proves: bool = True, undone: float = 0.0,
        stands_for: float = 1.0, again: float = 0.0,
    ) -> float:  # fmt: skip
        """One label."""
        margin, target = self._margin(vector), self.target(vector, spam, undone, again)
        said = learn(*vector, self.weights, self.gradients, self._rates, target, push, self._touched)
        said = array("d", [*said, SURE * margin])
        before = mixed(said, self.losses, self.certainty())
        self.taught[spam] += 1
        self.proofs += proves
        add_losses(self.losses, said, spam, MEMORY)
        self._follow(vector, margin, 1.0 if spam else -1.0, push)
        return before

    def logit(self, vector: Vector) -> float:
        """The mixture's logit."""
        said = array("d", [*logits(*vector, self.weights), SURE * self._margin(vector)])
        return mixed(said, self.losses, self.certainty())

    def _margin(self, vector: Vector) -> float:
        return float(self._means[vector.indices] @ vector.values)

    def _follow(self, vector: Vector, margin: float, side: float, push: float) -> None:
        indices, values = vector
        spread = self._variances[indices] * values
        known = 1 / (float(spread @ values) + self._doubt / push)
        short = 1 - side * margin
        if short > 0:
            np.add.at(self._means, indices, np.float32(short * known * side) * spread)
            np.subtract.at(self._variances, indices, np.float32(known) * spread * spread)
            self._variances[indices] = np.maximum(self._variances[indices], np.float32(1e-6))


def _model(made: Callable[[], HashedNgrams]) -> EvaluatedModel:
    model = EvaluatedModel()
    model.model.learner = made()
    return model


ARMED: dict[str, Rival] = {
    "AROW, a fifth arm": of_learner(partial(_model, WithArow)),
    "one past label again": of_learner(partial(_model, partial(Replaying, 1))),
    "two": of_learner(partial(_model, partial(Replaying, 2))),
}
