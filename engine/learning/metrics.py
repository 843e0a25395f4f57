"""How good scores are, given the truth. Scores are probabilities; higher means more like spam."""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

CALIBRATION_BINS = 15
_LEAST = 1e-9


def roc_auc(scores: Sequence[float], spam: Sequence[bool]) -> float | None:
    """The chance that spam scores above ham, ties by half; None without both."""
    ranked, truth = np.asarray(scores, float), np.asarray(spam, bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    wins = _ranks(ranked)[truth].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def pr_auc(scores: Sequence[float], spam: Sequence[bool]) -> float | None:
    """Average precision: the mean of the precision at each spam, the highest score first; None without spam."""
    spam_above, total = _from_the_top(scores, spam)
    if not len(spam_above) or not spam_above[-1]:
        return None
    gained = np.diff(spam_above, prepend=0)
    return float((gained * spam_above / total).sum() / spam_above[-1])


def recall_at(scores: Sequence[float], spam: Sequence[bool], false_positives: float) -> float | None:
    """The share of spam above the threshold at which this share of ham is above it; None without both."""
    spam_above, total = _from_the_top(scores, spam)
    ham = len(spam) - int(np.sum(spam))
    if not ham or not len(spam_above) or not spam_above[-1]:
        return None
    allowed = spam_above[total - spam_above <= false_positives * ham]
    return float((allowed[-1] if len(allowed) else 0) / spam_above[-1])


def log_loss(scores: Sequence[float], spam: Sequence[bool]) -> float | None:
    """The mean surprise, in nats; None without any."""
    losses = [-log(max(_LEAST, score if truth else 1 - score)) for score, truth in zip(scores, spam, strict=True)]
    return sum(losses) / len(losses) if losses else None


def calibration_error(scores: Sequence[float], spam: Sequence[bool]) -> float | None:
    """How far probabilities are from the share of spam among events that got them, on average (ECE); None without
    any."""
    if not len(scores):
        return None
    predicted, truth = np.asarray(scores, float), np.asarray(spam, float)
    bins = np.minimum((predicted * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(float((predicted[bins == number] - truth[bins == number]).sum())) for number in range(CALIBRATION_BINS)]
    return sum(gaps) / len(predicted)


def deciles(scores: Sequence[float], spam: Sequence[bool]) -> list[dict[str, float | int | None]]:
    """How scores and truth go together, a tenth of the events at a time, the highest scores first: `share` is that of
    spam, `lift` how many times that of all events."""
    predicted, truth = np.asarray(scores, float), np.asarray(spam, float)
    order = np.argsort(-predicted, kind="stable")
    overall = float(truth.mean()) if len(truth) else 0.0
    made: list[dict[str, float | int | None]] = []
    for tenth in np.array_split(order, 10):
        if len(tenth):
            share = float(truth[tenth].mean())
            made.append({
                "n": len(tenth), "from": float(predicted[tenth].max()), "to": float(predicted[tenth].min()),
                "mean_score": float(predicted[tenth].mean()), "share": share,
                "lift": share / overall if overall else None,
            })  # fmt: skip
    return made


def _from_the_top(scores: Sequence[float], spam: Sequence[bool]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each different score from the highest: how much spam, and how many events, score as much or more."""
    predicted, truth = np.asarray(scores, float), np.asarray(spam, bool)
    order = np.argsort(-predicted, kind="stable")
    last = np.flatnonzero(np.diff(predicted[order], append=-np.inf) != 0)
    return np.cumsum(truth[order])[last], last + 1


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1 on; equal values share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return means
