"""A model and its challenger on the same labels: which of the two was less surprised, and whether that can be chance.

Both have scored each event before its label was known. What is compared is the log loss of each label, one by one, as
labels that are hard for both tell nothing. The difference is certain where its mean over the last labels is three
standard errors from zero: it is looked at again and again, so that is stricter than it would have to be for one look.
"""

from collections import deque
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np

from engine.learning.metrics import calibration_error, log_loss, roc_auc

WINDOW = 2_000
"""So many labels tell; older ones are about other models and other spam."""
FEWEST = 200
"""With fewer labels nothing is certain."""
FEWEST_OF_A_KIND = 20
"""Nor with fewer spam, or fewer ham, among them."""
EVERY = 50
"""After so many labels each it is looked at who is to stand."""
Z = 3.0
_LEAST = 1e-6
"""No score is taken for surer than that: one label must not outweigh all others."""

Rival = tuple[str, float]
"""A challenger's name, and what it said."""


class Gain(NamedTuple):
    """By how much a challenger's log loss is lower, a label, and between what that lies."""

    mean: float
    low: float
    high: float


class Standing(NamedTuple):
    """How good the scores of one of the two were on the labels that both have scored."""

    log_loss: float | None
    roc_auc: float | None
    ece: float | None


class Comparison:
    """The last labels of events that both have scored. `challenger`: who is compared; another one begins anew;
    `promoted`: whether its scores stand in place of the model's; `labels`: how many there have been in all."""

    def __init__(self, challenger: str | None = None, promoted: bool = False) -> None:
        self.challenger, self.promoted, self.labels = challenger, promoted, 0
        self._seen: deque[tuple[float, float, bool]] = deque(maxlen=WINDOW)

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, score: float | None, rival: Rival | None, spam: bool) -> None:
        """One label, with what both had said of its event; where one of them did not know, it tells nothing."""
        if rival is None or score is None:
            return
        name, said = rival
        if name != self.challenger:
            self.begin(name)
        self._seen.append((float(np.float32(score)), float(np.float32(said)), spam))  # as they are stored
        self.labels += 1

    def begin(self, challenger: str | None, promoted: bool = False) -> None:
        """Compare with another one from now on."""
        self.challenger, self.promoted, self.labels = challenger, promoted, 0
        self._seen.clear()

    def judge(self) -> bool:
        """Let the better one stand, where that is certain by now; True where that is another one than before."""
        gain = self.gain() if self.labels % EVERY == 0 else None
        if gain is None or not (gain.high < 0 if self.promoted else gain.low > 0):
            return False
        self.promoted = not self.promoted
        return True

    def gain(self) -> Gain | None:
        """What the challenger is better by; None where there are too few labels to tell."""
        spam = sum(is_spam for _, _, is_spam in self._seen)
        count = len(self._seen)
        if count < FEWEST or min(spam, count - spam) < FEWEST_OF_A_KIND:
            return None
        gains = np.array([_loss(own, truth) - _loss(rival, truth) for own, rival, truth in self._seen])
        mean, error = float(gains.mean()), float(gains.std(ddof=1)) / sqrt(count)
        return Gain(mean, mean - Z * error, mean + Z * error)

    def standings(self) -> tuple[Standing, Standing]:
        """The model's, and the challenger's."""
        spam = [is_spam for _, _, is_spam in self._seen]
        own, rival = ([both[place] for both in self._seen] for place in (0, 1))
        return _standing(own, spam), _standing(rival, spam)

    def describe(self) -> dict[str, Any]:
        """All of it as names and values."""
        own, rival = self.standings()
        gain = self.gain()
        return {
            "challenger": self.challenger, "promoted": self.promoted, "n": len(self), "labels": self.labels,
            "model": own._asdict(), "challenged_by": rival._asdict(), "gain": gain._asdict() if gain else None,
        }  # fmt: skip

    def dump(self) -> bytes:
        """What was seen, as bytes: the scores of both, then the verdicts."""
        own, rival, spam = zip(*self._seen, strict=True) if self._seen else ((), (), ())
        return np.array(own, "<f4").tobytes() + np.array(rival, "<f4").tobytes() + np.array(spam, "u1").tobytes()

    @classmethod
    def load(cls, challenger: str | None, promoted: bool, labels: int, seen: bytes) -> "Comparison":
        """What was dumped. Raises ValueError."""
        count, rest = divmod(len(seen), 9)
        if rest or not count <= min(labels, WINDOW):
            raise ValueError(f"{len(seen)} bytes are not the scores of two models")
        loaded = cls(challenger, promoted)
        loaded.labels = labels
        own, rival = np.frombuffer(seen, "<f4", count), np.frombuffer(seen, "<f4", count, 4 * count)
        if not (np.isfinite(own).all() and np.isfinite(rival).all()):
            raise ValueError("these are scores that no model gives")
        spam = np.frombuffer(seen, "u1", count, 8 * count) == 1
        loaded._seen.extend(zip(own.tolist(), rival.tolist(), spam.tolist(), strict=True))
        return loaded


def _loss(score: float, spam: bool) -> float:
    return -log(max(_LEAST, score if spam else 1 - score))


def _standing(scores: list[float], spam: list[bool]) -> Standing:
    return Standing(log_loss(scores, spam), roc_auc(scores, spam), calibration_error(scores, spam))
