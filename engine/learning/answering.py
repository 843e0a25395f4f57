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
_FEWEST = 50
"""With fewer events that are answered, or not, among the latest, nothing is known."""
_LEAST = 1e-6
_STEPS = 12


class Propensities:
    """How likely events are to be answered, by the scores of the model of who answers. `scores`, `answered`: of its
    latest events of which it is known."""

    def __init__(self, scores: Sequence[float], answered: Sequence[bool]) -> None:
        truth = np.asarray(answered, float)
        self.is_known = bool(truth.sum() >= _FEWEST and (1 - truth).sum() >= _FEWEST)
        if self.is_known:
            self._share = float(truth.mean())
            self._offset, self._slope = _fit(np.clip(np.asarray(scores, float), _LEAST, 1 - _LEAST), truth)

    def of(self, score: float | None) -> float:
        """How likely an event is to be answered, in relation to all; 1 where that is not known."""
        if score is None or not self.is_known:
            return 1.0
        score = min(1 - _LEAST, max(_LEAST, score))
        logit = self._offset + self._slope * log(score / (1 - score))
        return min(MOST, max(1 / MOST, 1 / (1 + exp(-logit)) / self._share))


def _fit(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The straight line in logits that makes the truth most likely; flat lines are a little likelier beforehand."""
    design = np.column_stack([np.ones_like(scores), np.log(scores / (1 - scores))])
    line = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (truth - chances) - 1e-3 * line
        curve = (design * (chances * (1 - chances))[:, None]).T @ design + 1e-3 * np.eye(2)
        line = np.clip(line + np.linalg.solve(curve, slope), -20.0, 20.0)
    return float(line[0]), float(line[1])


def estimate(answers: Sequence[bool], propensities: Sequence[float]) -> tuple[float, float] | None:
    """The share of yes among all events, as the answers have it, and with their weights; None without answers."""
    if not answers:
        return None
    weights = [1 / each for each in propensities]
    weighted = sum(weight for weight, answer in zip(weights, answers, strict=True) if answer)
    return sum(answers) / len(answers), weighted / sum(weights)
