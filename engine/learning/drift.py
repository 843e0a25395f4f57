"""Whether something has changed: how surprised a model is by its labels, and what scores it gives.

ADWIN (Bifet and Gavalda 2007, River's) compares the older with the newer part of what it has seen, at every place
where it can be cut in two. An alarm changes nothing by itself: the learner follows anyway, as it mixes rates. It is
for people: a new campaign, a broken producer, moderators with a new policy.
"""

from collections.abc import Sequence
from math import log
from typing import Any

from engine.learning.linear import SATURATED

CHUNK = 16
"""Of so many scores, one is looked at: ADWIN's bound wants many observations rather than smooth ones."""


def _adwin() -> Any:
    from river.drift import ADWIN  # noqa: PLC0415  # a second, and not every process has models

    return ADWIN()


class LossDrift:
    """Watches how surprised a model is by its labels."""

    def __init__(self) -> None:
        self._watch = _adwin()

    def add(self, score: float | None, spam: bool) -> bool:
        """A label with the score that its event was given; True when something has changed."""
        if score is None:
            return False
        loss = -log(max(1e-9, score if spam else 1 - score))
        self._watch.update(min(loss, SATURATED) / SATURATED)
        return bool(self._watch.drift_detected)


class ScoreDrift:
    """Watches the scores that a model gives, labels or not."""

    def __init__(self) -> None:
        self._watch = _adwin()
        self._seen = 0

    def add(self, scores: Sequence[float]) -> bool:
        """The known scores of a batch; True when something has changed."""
        changed = False
        for score in scores[-self._seen % CHUNK :: CHUNK]:
            self._watch.update(score)
            changed = changed or bool(self._watch.drift_detected)
        self._seen += len(scores)
        return changed
