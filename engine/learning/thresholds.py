"""From which score on at least so many in a hundred are spam: from the last labels, with a bound on chance.

A threshold is used only where the lower bound of its precision (Wilson 1927) reaches the target, and where it has
held among the latest labels too, as the share of spam may have fallen. With too few labels above it, or too little
ham among all of them, nothing is known, and nothing should be done by score alone.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from engine.learning.answering import Propensities
from engine.learning.calibrated import Calibration
from engine.learning.metrics import roc_auc

WINDOW = 2_000
"""So many labels tell; older ones are about another model and other spam."""
Z = 2.58
RECENT = 200
"""Of so many of them, the latest, what is above the threshold must be spam as often as is wanted, too."""
FEWEST = 20
"""Fewer labels above a threshold tell nothing."""
FEWEST_HAM = 200
"""With less ham in the window, nobody knows what ham scores."""
SPENT = 2 / 3
"""Of the errors that a precision allows, so much may have shown in the labels; the rest is for what they do not show
yet: a new kind of ham is wrong until its first labels come."""


class Thresholds:
    """The last labels, with the scores that their events were given."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, bool]] = deque(maxlen=WINDOW)

    def add(self, score: float | None, spam: bool) -> None:
        """One label. An event whose score was unknown tells nothing."""
        if score is not None:
            self._seen.append((float(np.float32(score)), spam))  # as it is stored

    def dump(self) -> bytes:
        """As bytes: the scores, then the verdicts."""
        scores, spam = (
            np.array([score for score, _ in self._seen], "<f4"),
            np.array([is_spam for _, is_spam in self._seen], "u1"),
        )
        return scores.tobytes() + spam.tobytes()

    @classmethod
    def load(cls, data: bytes) -> "Thresholds":
        """What `dump` wrote. Raises ValueError."""
        count, rest = divmod(len(data), 5)
        if rest or count > WINDOW:
            raise ValueError(f"{len(data)} bytes are not the scores of labels")
        scores, spam = np.frombuffer(data, "<f4", count), np.frombuffer(data, "u1", count, 4 * count)
        loaded = cls()
        loaded._seen.extend(zip(scores.tolist(), (spam == 1).tolist(), strict=True))
        return loaded

    def roc_auc(self) -> float | None:
        """How good the scores were: the chance that spam scored above ham; None without both."""
        return roc_auc([score for score, _ in self._seen], [spam for _, spam in self._seen])

    def calibration(self) -> Calibration:
        """How the scores and the labels go together."""
        return Calibration([score for score, _ in self._seen], [spam for _, spam in self._seen])

    def propensities(self, labels: int) -> Propensities:
        """How likely events are to be answered, where the labels say who has answered. `labels`: how many there have
        been in all."""
        return Propensities([score for score, _ in self._seen], [spam for _, spam in self._seen], labels)

    def lowest(self, precision: float) -> float | None:
        """The lowest score from which on precision is reached, or None where that cannot be known."""
        if not self._seen:
            return None
        scores, spam = (np.array(column) for column in zip(*self._seen, strict=True))
        if (~spam).sum() < FEWEST_HAM:
            return None
        needed = 1 - (1 - precision) * SPENT
        order = np.argsort(-scores, kind="stable")
        last = np.flatnonzero(np.diff(scores[order], append=-1.0) != 0)  # equal scores share one threshold
        above, spam_above = last + 1, np.cumsum(spam[order])[last]
        latest = (np.arange(len(scores)) >= len(scores) - RECENT)[order]
        lately, spam_lately = np.cumsum(latest)[last], np.cumsum(latest & spam[order])[last]
        holds = (wilson_lower(spam_above, above) >= needed) & (above >= FEWEST) & (spam_lately >= needed * lately)
        return float(scores[order][last[np.flatnonzero(holds)[-1]]]) if holds.any() else None


def wilson_lower(count: NDArray[np.int64], of: NDArray[np.int64], z: float = Z) -> NDArray[np.float64]:
    """The lower bound of a share: it lies below only once in two hundred times."""
    share = count / of
    spread = z * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    bound: NDArray[np.float64] = (share + z * z / (2 * of) - spread) / (1 + z * z / of)
    return bound
