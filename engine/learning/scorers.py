"""A learned model as the evaluator uses it: scores, the text of a batch at a stretch."""

from array import array
from collections.abc import Sequence
from math import exp, nan

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import weigh_numbers
from engine.core.rules import ModelNumbers, ModelSpec, ModelTexts
from engine.learning.features import WORD_INDICES, Featurizer, Words
from engine.learning.models import LearnedModel
from engine.learning.scored import ScoredRows

_SATURATED = 700.0


class ModelScorer:
    """Scores events, and keeps what it scored until `take`. Without enough labels behind it, it does not know.

    The same probability as River's model gives, from weights that are laid out for it.
    """

    def __init__(self, spec: ModelSpec, model: LearnedModel | None) -> None:
        self.name, self.learns, self._names = spec.name, spec.learns, spec.numbers
        self.version = model.version if model is not None else f"{spec.name}-0"
        self._featurizer = Featurizer(spec)
        self._intercept = model.river.intercept if model is not None else 0.0
        known = model.river._weights.to_dict() if model is not None else {}
        self._weights = array("d", [known.get(index, 0.0) for index, _ in self._featurizer.numbers])
        self._missing = array("d", [known.get(index, 0.0) for _, index in self._featurizer.numbers])
        self._word_weights = _word_weights(known)
        enough = model is not None and model.labels >= max(1, spec.min_labels) and 0 < model.spam < model.labels
        self._knows = enough
        self._begin([])

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Read the texts of a batch: event i's at place i, None where the model is not asked. What was scored
        before and has not been taken is forgotten."""
        self._begin(batch)

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """The probability of spam of the event at a place of the batch, or None. `key`: the hash of its id."""
        score, sum_of_numbers = None, weigh_numbers(numbers, self._weights, self._missing, self._numbers)
        if self._knows:
            logit = self._intercept + self._word_logits[place] + sum_of_numbers
            score = 1 / (1 + exp(-logit)) if logit > -_SATURATED else 0.0
        if self.learns:
            self._scored.append((place, key, nan if score is None else score))
        return score

    def describe(self, place: int, numbers: ModelNumbers) -> dict[str, float | None]:
        """What the model saw, by name: the numbers as they were read, and how many distinct words and categories."""
        return {"words": self._words.count(place), **dict(zip(self._names, numbers, strict=True))}

    def take(self) -> ScoredRows | None:
        """What has been scored since `prepare`, to be kept for labels; None without any."""
        if not self._scored:
            return None
        words, places = self._words, np.array([place for place, _, _ in self._scored])
        keys, scores = [key for _, key, _ in self._scored], [score for _, _, score in self._scored]
        counts = np.diff(words.bounds)
        asked = np.zeros(len(counts), bool)
        asked[places] = True
        rows = ScoredRows(
            self.name, self._featurizer.numbers, np.array(keys, np.uint64), np.array(scores),
            np.array(self._numbers).reshape(len(places), -1), np.cumsum(counts[places]),
            words.indices[np.repeat(asked, counts)],
        )  # fmt: skip
        self._begin([])
        return rows

    def _begin(self, batch: Sequence[ModelTexts | None]) -> None:
        self._words = self._featurizer.words(batch)
        self._word_logits = _logits(self._words, self._word_weights) if self._knows else []
        self._scored: list[tuple[int, int, float]] = []  # place, key, score
        self._numbers: array[float] = array("d")


def _word_weights(known: dict[int, float]) -> NDArray[np.float64]:
    weights = np.zeros(WORD_INDICES)
    words = [index for index in known if index < WORD_INDICES]
    weights[words] = [known[index] for index in words]
    return weights


def _logits(words: Words, weights: NDArray[np.float64]) -> list[float]:
    """The part of each event's logit that its words and categories give: they share a length of one."""
    counts = np.diff(words.bounds)
    places = np.repeat(np.arange(len(counts)), counts)
    # bincount adds an event's weights in their order, so that the sum does not depend on the rest of the batch.
    sums = np.bincount(places, weights[words.indices], len(counts))
    found: list[float] = (sums / np.sqrt(np.maximum(counts, 1))).tolist()
    return found
