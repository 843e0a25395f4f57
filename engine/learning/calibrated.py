"""How far a score is to be believed: what came of events that scored about the same."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.learning.metrics import calibration_error

_PARTS = 10


class Likeness(NamedTuple):
    """Of the latest labels: how many are of events with a score like this one, the share of spam among them, and by how
    much scores are off on average, among all."""

    labels: int
    share: float
    ece: float


class Calibration:
    """The latest labels in ten parts of as many scores each; equal scores are in one part."""

    def __init__(self, scores: Sequence[float], spam: Sequence[bool]) -> None:
        order = np.argsort(np.asarray(scores, float), kind="stable")
        ranked, truth = np.asarray(scores, float)[order], np.asarray(spam, bool)[order]
        first = [len(ranked) * part // _PARTS for part in range(_PARTS)] if len(ranked) else []
        self._from = sorted({float(ranked[place]) for place in first})
        starts = [*np.searchsorted(ranked, self._from).tolist(), len(ranked)]
        error = calibration_error(scores, spam) or 0.0
        self._parts = [
            Likeness(end - start, round(float(truth[start:end].mean()), 6), round(error, 6))
            for start, end in pairwise(starts)
        ]

    def of(self, score: float) -> Likeness | None:
        """What came of events with a score like this one; None before there are labels."""
        return self._parts[max(0, bisect_right(self._from, score) - 1)] if self._parts else None
