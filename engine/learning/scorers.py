"""A learned model as the evaluator uses it: scores, the texts of a batch at a stretch."""

from array import array
from collections.abc import Sequence
from contextlib import suppress
from math import exp, isnan, nan

import numpy as np

from engine.core.domain.decisions import Contribution
from engine.core.domain.programs import ModelNumbers, ModelTexts
from engine.core.domain.rules import ModelSpec
from engine.learning.answering import Propensities
from engine.learning.calibrated import Calibration, Likeness
from engine.learning.contributions import contributions
from engine.learning.delays import Delays
from engine.learning.features import CONSTANT, Inputs, Names, featurizer, hinted, names_of
from engine.learning.kernel import read_numbers, weigh_facts, weigh_numbers, weigh_texts
from engine.learning.linear import ARMS, SATURATED, sigmoid
from engine.learning.models import LearnedModel
from engine.learning.ngrams import HashedNgrams
from engine.learning.scored import ScoredRows
from engine.learning.seeds import Seed, hinting, seed_of


class ModelScorer:
    """Scores events, and keeps what it scored until `take`. Without enough labels behind it, it does not know more
    than what the rulebook hints at.

    The same probability as the learner gives, from its own weights. `takes`: whether what it has scored
    is kept until `take`.
    """

    def __init__(self, spec: ModelSpec, model: LearnedModel | None, names: Names | None = None) -> None:
        self.name, self.learns, self._policy, self._presume = spec.name, spec.learns, spec.policy, spec.presume
        self._precision, self.awaits = spec.precision, spec.awaits
        self._delays = model.delays if model is not None else Delays()
        self.takes, self._judged = spec.learns, model.judged if model is not None else None
        self._labels = model.labels if model is not None else 0
        self._calibration: Calibration | None = None
        self._propensities: Propensities | None = None
        self.version = model.version if model is not None else f"{spec.name}-0"
        self.answered_by: str | None = None
        self._names, self._units = names or names_of(spec), spec.units
        self._featurizer = featurizer(self._names)
        self._knows = model is not None and model.knows(spec.min_labels)
        # Without categories, an event begins with the constant.
        self._start, self._start_square = array("d", bytes(8 * ARMS)), array("d", [0.0])
        self.threshold = self.lowest(spec.precision)
        self._hints, self._fading = self._names.hints, 1.0
        self._learner: HashedNgrams | None = None
        if model is not None and self._knows and spec.river is None:
            self._learner = model.ngrams
            self._weights, self._arms = model.ngrams.weights, model.ngrams.factors()
            self._fading = model.ngrams.fading()
            if not self._names.categories:
                weigh_facts((CONSTANT,), self._weights, self._start, self._start_square, 0)
        self._begin([])

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Read the texts of the events of a batch: event i's at place i, None where the model is not asked. What was
        scored before and has not been taken is forgotten."""
        self._begin(batch)
        if not self._knows:
            return
        for at, seed in enumerate(self._featurizer.texts):
            texts = [event_texts and event_texts[0][at] for event_texts in batch]
            weigh_texts(texts, seed, self._weights, self._sums, self._squares)
        if self._names.categories:
            for place, event_texts in enumerate(batch):
                if event_texts is not None:
                    self._weigh_categories(place, event_texts[1])

    def read_late(self, place: int, texts: ModelTexts) -> None:
        """Read the texts of an event for which the model was not to be asked."""
        self._batch[place] = texts
        if not self._knows:
            return
        for text, seed in zip(texts[0], self._featurizer.texts, strict=True):
            sums, squares = array("d", bytes(8 * ARMS)), array("d", [0.0])
            weigh_texts([text], seed, self._weights, sums, squares)
            self._squares[place] += squares[0]
            for arm, arm_sum in enumerate(sums):
                self._sums[ARMS * place + arm] += arm_sum
        if self._names.categories:
            self._weigh_categories(place, texts[1])

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """The probability of spam of the event at a place of the batch, or None. `key`: the hash of its id."""
        score = None
        if self._knows or self.takes:
            read_numbers(numbers, self._numbers)
        if self._knows:
            logit = weigh_numbers(
                self._numbers, self._featurizer.numbers, self._weights, self._sums, self._squares, place, self._arms,
            )  # fmt: skip
            if self._hints:
                logit += self._fading * hinted(self._hints, self._numbers)
            score = 1 / (1 + exp(-max(-SATURATED, min(SATURATED, logit))))
        elif self._hints:
            score = self._guess(numbers)
        if self.takes:
            self._scored.append((place, key, nan if score is None else score))
        return score

    def _guess(self, numbers: ModelNumbers) -> float | None:
        """What hints alone say; None when none of them does."""
        known = [number for number in numbers[-len(self._hints) :] if number is not None]
        return sigmoid(hinted(self._hints, numbers)) if known else None

    def describe(self, place: int, numbers: ModelNumbers) -> dict[str, float | None]:
        """What the model saw, by name: the numbers as they were read, and how long the texts are."""
        texts = self._batch[place]
        lengths = (len(text) if text else 0 for text in texts[0]) if texts is not None else ()
        return {
            **dict(zip(self._names.texts, lengths, strict=False)),
            **dict(zip(self._names.numbers, numbers, strict=True)),
        }

    def contributions(self, place: int, numbers: ModelNumbers) -> list[Contribution]:
        """Which parts of the event have made its score, the largest first; empty where nobody can tell."""
        texts = self._batch[place]
        if texts is None or (self._learner is None and (self._knows or not self._hints)):
            return []
        read = array("d")
        read_numbers(numbers, read)
        inputs = Inputs(*texts, tuple(None if isnan(number) else number for number in read))
        return contributions(self._learner, self._names, inputs, units=self._units)

    def let_answer(self, name: str, other: "ModelScorer") -> None:
        """From now on what another one says counts in place of what this one does. Both are asked."""
        self.answered_by, self.version, self.threshold = name, other.version, other.lowest(self._precision)

    def lowest(self, precision: float | None) -> float | None:
        """From which score on the precision is so high; None where that is not known."""
        if precision is None or self._judged is None or not self._knows:
            return None
        return self._judged.lowest(precision)

    def calibration(self, score: float) -> Likeness | None:
        """How far a score is to be believed, as far as the latest labels tell."""
        if self._calibration is None and self._judged is not None:
            self._calibration = self._judged.calibration()
        return self._calibration.of(score) if self._calibration is not None else None

    def wait_ms(self, key: int) -> int:
        """How long the label of the event with this key is waited for, before the event is presumed to be ham."""
        return self._delays.wait_ms(key) if self.awaits else 0

    def propensity(self, score: float | None) -> float | None:
        """How likely an event with a score is to be answered, in relation to all, where this model says who answers;
        None where that is not known."""
        if self._judged is None or not self._knows:
            return None
        if self._propensities is None:
            self._propensities = self._judged.propensities(self._labels)
        return self._propensities.of(score)

    def take(self) -> ScoredRows | None:
        """What has been scored since `prepare`, to be kept for labels; None without any."""
        if not self._scored:
            return None
        places = [place for place, _, _ in self._scored]
        texts = [self._batch[place] for place in places]
        keys, scores = [key for _, key, _ in self._scored], [score for _, _, score in self._scored]
        rows = ScoredRows(
            self.name, self.version, self._names, np.array(keys, np.uint64), np.array(scores),
            np.array(self._numbers).reshape(len(keys), -1), [read for read in texts if read is not None],
            np.array(places), self._policy, self._presume,
        )  # fmt: skip
        self._begin([])
        return rows

    def _begin(self, batch: Sequence[ModelTexts | None]) -> None:
        self._batch, size = list(batch), len(batch)
        self._sums, self._squares = self._start * size, self._start_square * size
        self._scored: list[tuple[int, int, float]] = []  # place, key, score
        self._numbers: array[float] = array("d")

    def _weigh_categories(self, place: int, categories: Sequence[str | None]) -> None:
        """Add what an event's categories give to its sums, and the constant."""
        weigh_facts(self._featurizer.facts(categories), self._weights, self._sums, self._squares, place)


class SeededScorer(ModelScorer):
    """The same with a seed: what it makes of an event's texts is the last number, and hinted at."""

    def __init__(self, spec: ModelSpec, model: LearnedModel | None, seed: Seed) -> None:
        self._seed = seed
        super().__init__(spec, model, hinting(names_of(spec), seed))

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Read the texts of a batch as `ModelScorer` does, and as the seed does."""
        super().prepare(batch)
        self._seeded = [self._seed.logit(read[0]) if read is not None else None for read in batch]

    def read_late(self, place: int, texts: ModelTexts) -> None:
        """Read the texts of an event for which the model was not to be asked."""
        super().read_late(place, texts)
        self._seeded[place] = self._seed.logit(texts[0])

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """The probability of spam, or None where neither labels, hints nor texts tell."""
        return super().score(place, key, (*numbers, self._seeded[place]))

    def describe(self, place: int, numbers: ModelNumbers) -> dict[str, float | None]:
        """What the model saw, and what its seed said."""
        return super().describe(place, (*numbers, self._seeded[place]))

    def contributions(self, place: int, numbers: ModelNumbers) -> list[Contribution]:
        """Which parts of the event have made its score, the seed among them."""
        return super().contributions(place, (*numbers, self._seeded[place]))


class RiverScorer(ModelScorer):
    """The same with a pipeline of River's, which reads one event at a time."""

    def __init__(self, spec: ModelSpec, model: LearnedModel | None) -> None:
        super().__init__(spec, model)
        self._pipeline = model.learner if model is not None and self._knows else None

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Nothing is read before an event's turn. What was scored before and has not been taken is forgotten."""
        self._begin(batch)

    def read_late(self, place: int, texts: ModelTexts) -> None:
        """The model is asked about the event at a place after all."""
        self._batch[place] = texts

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """The probability of spam of the event at a place of the batch, or None. `key`: the hash of its id."""
        read_numbers(numbers, self._numbers)
        texts, score = self._batch[place], None
        if self._pipeline is not None and texts is not None:
            read = [None if isnan(number) else number for number in self._numbers[len(self._numbers) - len(numbers) :]]
            with suppress(Exception):  # a pipeline that cannot read an event does not know it
                score = self._pipeline.probability(self._names, Inputs(*texts, tuple(read)))
        elif self._hints:
            score = self._guess(numbers)
        if self.takes:
            self._scored.append((place, key, nan if score is None else score))
        return score


def scorer(spec: ModelSpec, model: LearnedModel | None) -> ModelScorer:
    """What scores with a model. One that another pipeline has learned does not know anything."""
    if model is not None and model.expression != spec.river:
        model = None
    seed = seed_of(spec)
    if seed is not None:
        return SeededScorer(spec, model, seed)
    return ModelScorer(spec, model) if spec.river is None else RiverScorer(spec, model)
