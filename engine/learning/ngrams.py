"""The default learner, a classifier of River's: hashed n-grams and facts, learned at several rates at once.

Each of four arms is logistic regression with AdaGrad on the same features, at its own rate: fast ones serve clean
and moving streams, slow ones survive wrong labels. Their logits are mixed by how well each has done lately (Hedge,
Freund and Schapire 1997, on the log loss, with old losses discounted).

Few labels of one kind say little, and nothing about events that come long after those they are of. So the mixture is
drawn towards a half until there are labels of both kinds, less so once labels have come of events that were scored
with what had been learned. What a rulebook hints at counts in its place, and fades.
"""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from river import base

from engine.learning.features import Inputs, Names, Vector, featurizer, hinted
from engine.learning.kernel import add_losses, learn, logits, mixed, new_rows
from engine.learning.linear import ARMS, INDICES, Indices, shares, sigmoid, table

RATES = (1.0, 0.5, 0.2, 0.06)
MEMORY = 0.99
"""What a loss counts after one more label."""
FEW = 20
"""So many labels of the rarer kind count as much as what is said of none of them."""
UNPROVEN, PROVEN = 0.05, 0.8
"""How much of a logit counts while one kind has no label, before any score has met a label, and after many have."""
PROOFS = 10
"""So many scores that have met labels are half way."""
FADING = 30
"""After so many labels of the rarer kind hints count half."""
_SAME = 1e-9

X = Mapping[base.typing.FeatureName, object]


class HashedNgrams(base.MiniBatchClassifier):  # type: ignore[misc]  # River has no types
    """Learns from texts, categories and numbers. In a dictionary of features, strings under one of the names `texts`
    are texts, other strings are categories, and numbers are numbers.

    `weights` and `gradients`: one for each arm, index by index; `losses`: of each arm, discounted; `taught`: how many
    labels said ham, and how many spam; `proofs`: how many were of events that had been scored with what was learned.
    """

    def __init__(self, texts: tuple[str, ...] = ("text",), rates: tuple[float, ...] = RATES) -> None:
        if len(rates) != ARMS:
            raise ValueError(f"`rates` are {ARMS} learning rates, not {len(rates)}")
        self.texts = texts
        self.rates = rates
        self.weights = new_rows(ARMS * INDICES)
        self.gradients = new_rows(ARMS * INDICES)
        self.losses = [0.0] * ARMS
        self.taught = [0, 0]
        self.proofs = 0
        self._rates = array("d", rates)
        self._touched = np.zeros(INDICES, np.uint8)

    @property
    def _multiclass(self) -> bool:
        return False

    # -- River's way in ---------------------------------------------------------------------------

    def learn_one(self, x: "X", y: base.typing.ClfTarget, w: float = 1.0) -> None:
        """Learn one label. `w` multiplies the step."""
        self.learn(self.vector(x), bool(y), w)

    def predict_proba_one(self, x: "X", **_: object) -> dict[base.typing.ClfTarget, float]:
        """The probabilities of False and True."""
        probability = sigmoid(self.logit(self.vector(x)))
        return {False: 1 - probability, True: probability}

    def learn_many(self, X: Any, y: Any) -> None:  # noqa: N803  # River's name
        """Learn from the rows of a data frame, of any library that River reads, in turn."""
        from river.utils import dataframe  # noqa: PLC0415  # dear to import, and our workers learn row by row

        rows, targets = dataframe.into_frame(X).iter_rows(named=True), dataframe.into_series(y)
        for row, target in zip(rows, targets, strict=True):
            self.learn_one(row, bool(target))

    def predict_proba_many(self, X: Any) -> Any:  # noqa: N803  # River's name
        """The probabilities of False and True for each row of a data frame, as a data frame."""
        from river.utils import dataframe  # noqa: PLC0415  # as above

        frame = dataframe.into_frame(X)
        probabilities = [self.predict_proba_one(row) for row in frame.iter_rows(named=True)]
        columns = {kind: np.array([row[kind] for row in probabilities]) for kind in (False, True)}
        return dataframe.to_native_frame(columns, like=frame)

    def vector(self, x: "X") -> Vector:
        """The features of a dictionary. What is neither text nor number is left out."""
        texts, categories, numbers = _sorted_out(x, self.texts)
        inputs = Inputs(tuple(texts.values()), tuple(categories.values()), tuple(numbers.values()))
        return featurizer(Names(tuple(texts), tuple(categories), tuple(numbers))).vector(inputs)

    # -- the engine's way in ----------------------------------------------------------------------

    def probability(self, names: Names, inputs: Inputs) -> float:
        """The probability of spam."""
        hint = self.fading() * hinted(names.hints, inputs.numbers)
        return sigmoid(self.logit(featurizer(names).vector(inputs, self.weights)) + hint)

    def teach(
        self, names: Names, inputs: Inputs, spam: bool, push: float, score: float | None = None, undone: float = 0.0,
        stands_for: float = 1.0, again: float = 0.0,
    ) -> float:  # fmt: skip
        """One label; returns the probability of spam that would have been given before. `push` multiplies the step;
        `score`: the one that the event had got, None where it was unknown; `undone`: how much, in relation to this
        label, the other verdict has counted, which is taken back along with it; `stands_for` and `again`: as in
        `learn`."""
        vector, hint = featurizer(names).vector(inputs, self.weights), hinted(names.hints, inputs.numbers)
        proves = score is not None and abs(score - sigmoid(hint)) > _SAME
        hint *= self.fading()
        return sigmoid(self.learn(vector, spam, push, proves, undone, stands_for, again) + hint)

    def take_back(self, names: Names, inputs: Inputs, score: float, push: float) -> None:
        """A label was wrong: move back towards the score that was given before it came."""
        vector = featurizer(names).vector(inputs, self.weights)
        self.restore(vector, score, push)

    def touch_all(self) -> None:
        """All that has been learned is to be published anew."""
        self._touched |= table(self.gradients).any(axis=1)

    def touched(self) -> Indices:
        """The indices that have changed since the last call, in their order."""
        changed = np.flatnonzero(self._touched).astype(np.uint32)
        self._touched[:] = False
        return changed

    # -- with features at hand --------------------------------------------------------------------

    def learn(
        self, vector: Vector, spam: bool, push: float = 1.0, proves: bool = True, undone: float = 0.0,
        stands_for: float = 1.0, again: float = 0.0,
    ) -> float:  # fmt: skip
        """One label; returns the logit that would have been given before. `push` multiplies the step; `proves`: the
        event was scored with what had been learned by then; `undone`: as in `teach`; `stands_for`: how many labels it
        counts for where the arms are compared; `again`: how much, in relation to this label, the other verdict has
        counted where this one counts as much again, and at least as much as takes the other one back."""
        target = self.target(vector, spam, undone, again)
        said = learn(*vector, self.weights, self.gradients, self._rates, target, push, self._touched)
        before = mixed(said, self.losses, self.certainty())
        self.taught[spam] += 1
        self.proofs += proves
        self._compare_arms(said, spam, stands_for)
        return before

    def target(self, vector: Vector, spam: bool, undone: float, again: float) -> float:
        """Where a label moves the arms: a probability, beyond 0 and 1 where it takes the other verdict back."""
        target = float(spam)
        if undone:  # the step that the other verdict would make now, backwards
            target += undone * (sigmoid(self.logit(vector)) - (not spam))
        if again:  # what is sure already hardly moves by another label: there the other verdict would stay
            probability = sigmoid(self.logit(vector))
            target += (1 if spam else -1) * again * max(probability, 1 - probability)
        return target

    def _compare_arms(self, said: "array[float]", spam: bool, stands_for: float) -> None:
        """Add to the arms' losses. A label that counts less adds less, and less is forgotten for it."""
        memory = 1 - (1 - MEMORY) * min(1.0, stands_for)
        kept = [memory * loss for loss in self.losses]
        add_losses(self.losses, said, spam, memory)
        if stands_for != 1.0:
            losses = zip(self.losses, kept, strict=True)
            self.losses[:] = [earlier + stands_for * (loss - earlier) for loss, earlier in losses]

    def restore(self, vector: Vector, score: float, push: float = 1.0) -> None:
        """A label was wrong: move back towards the score that was given before it came."""
        learn(*vector, self.weights, self.gradients, self._rates, score, push, self._touched)

    def logit(self, vector: Vector) -> float:
        """The mixture's logit."""
        return mixed(logits(*vector, self.weights), self.losses, self.certainty())

    def factors(self) -> "array[float]":
        """What each arm's logit is multiplied by: its share, and less while there are few labels of a kind."""
        certainty = self.certainty()
        return array("d", [certainty * share for share in self.shares()])

    def shares(self) -> "array[float]":
        """What each arm counts in the mixture."""
        return array("d", shares(self.losses))

    def certainty(self) -> float:
        """How much a logit counts: little while there are few labels of a kind."""
        few = min(self.taught)
        proven = UNPROVEN + (PROVEN - UNPROVEN) * self.proofs / (self.proofs + PROOFS)
        return (few + FEW * proven) / (few + FEW)

    def fading(self) -> float:
        """How much hints count."""
        return FADING / (FADING + min(self.taught))


def _sorted_out(x: "X", text_names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str], dict[str, float]]:
    """Texts, categories and numbers by name, in the order of the names."""
    texts: dict[str, str] = {}
    categories: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for key, value in sorted((str(key), value) for key, value in x.items()):
        if isinstance(value, str):
            (texts if key in text_names else categories)[key] = value
        elif isinstance(value, bool):
            categories[key] = str(value)
        elif isinstance(value, int | float | np.number):
            numbers[key] = float(value)
    return texts, categories, numbers
