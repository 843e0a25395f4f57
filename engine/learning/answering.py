"""Who answers a survey is not everybody: answers count for those who were as likely to give one and did not.

An answer counts 1/p, where p is how likely its event was to be answered. A model of who answers gives a score; what
came of its latest events says how far that is off, so p is the score brought to what has come true (Platt 1999). The
weights are taken in relation to the share of all events that are answered, so that an average answer counts once, and
capped, as one that was all but impossible says little about many.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

MOST = 10.0
"""An answer counts at most for so many average ones, and at least a tenth of one."""
_FEWEST, _EARLY = 20, 4_000
"""With fewer events that are answered, or not, among the latest, nothing is known, nor before so many have come of both
together. Those are twice what tells: the first ones are mostly answered, as silence takes longer to be known, and what
the model had made of them says nothing of its later scores. Weights that were ten times too large would stay in what is
learned from the answers."""
_MOST_AT_FIRST = 100
"""On a large feed so many have come within a day. So nothing is known either while the latest begin with more answers
in a row than this: silence has only begun to be known then."""
_OFFSET_DOUBT, _SLOPE_DOUBT = 0.5, 0.1
"""How far scores are expected to be off beforehand, in logits of the average event, and in steepness. Two thousand
events with two hundred answers tell the steepness to a fifth. A fifth too much or too little makes a rare answer count
half as much again or two thirds, and the mean of such weights is too high."""
_LEAST = 1e-6
_STEPS = 12


class Propensities:
    """How likely events are to be answered, by the scores of the model of who answers. `scores`, `answered`: of its
    latest events of which it is known; `labels`: of how many it has been known in all."""

    def __init__(self, scores: Sequence[float], answered: Sequence[bool], labels: int) -> None:
        truth = np.asarray(answered, float)
        rarer = min(truth.sum(), len(truth) - truth.sum())
        is_mixed = rarer >= _FEWEST and not truth[: _MOST_AT_FIRST + 1].all()
        self.is_known = bool(labels >= _EARLY and is_mixed)
        if self.is_known:
            self._share = float(truth.mean())
            self._offset, self._slope = _fit(np.clip(np.asarray(scores, float), _LEAST, 1 - _LEAST), truth)

    def of(self, score: float | None) -> float | None:
        """How likely an event is to be answered, in relation to all; None where that is not known."""
        if score is None or not self.is_known:
            return None
        score = min(1 - _LEAST, max(_LEAST, score))
        logit = self._offset + self._slope * log(score / (1 - score))
        return min(MOST, max(1 / MOST, 1 / (1 + exp(-logit)) / self._share))


def _fit(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The straight line in logits that makes the truth most likely, where it was expected that scores are right."""
    logits = np.log(scores / (1 - scores))
    middle = logits.mean()
    design = np.column_stack([np.ones_like(logits), logits - middle])
    line = expected = np.array([middle, 1.0])
    doubt = np.array([_OFFSET_DOUBT, _SLOPE_DOUBT]) ** -2.0
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (truth - chances) - doubt * (line - expected)
        curve = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(doubt)
        line = np.clip(line + np.linalg.solve(curve, slope), -20.0, 20.0)
    return float(line[0] - line[1] * middle), float(line[1])


def corrected(
    scores: Sequence[float], answered: Sequence[float], answers: Sequence[bool], propensities: Sequence[float]
) -> float | None:
    """The share of yes among all events: what they scored on average, and by how much the weighted answers are above
    what theirs scored. It is right where either the scores or the weights are (Robins, Rotnitzky and Zhao 1994): a
    learner that comes after what it once learned is set right by the answers. `scores`: of all events; `answered`: of
    those that were. None without answers."""
    weighted = estimate(answers, propensities)
    if weighted is None or not scores:
        return None
    weights = [1 / each for each in propensities]
    expected = sum(weight * score for weight, score in zip(weights, answered, strict=True)) / sum(weights)
    return sum(scores) / len(scores) + weighted[1] - expected


def estimate(answers: Sequence[bool], propensities: Sequence[float]) -> tuple[float, float] | None:
    """The share of yes among all events, as the answers have it, and with their weights; None without answers."""
    if not answers:
        return None
    weights = [1 / each for each in propensities]
    weighted = sum(weight for weight, answer in zip(weights, answers, strict=True) if answer)
    return sum(answers) / len(answers), weighted / sum(weights)
