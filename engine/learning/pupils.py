"""What learns in an evaluation: a model of ours, or any classifier of River's."""

from typing import Any

from engine.learning.evaluation import Case
from engine.learning.features import Inputs, Names, featurizer
from engine.learning.labels import Example
from engine.learning.linear import sigmoid
from engine.learning.models import LearnedModel


class ModelPupil:
    """The model that the trainer learns, through and through."""

    def __init__(self) -> None:
        self.model = LearnedModel("model")

    def score(self, case: Case) -> float:
        """The probability of spam."""
        return sigmoid(self.model.learner.logit(featurizer(case.names).vector(case.inputs)))

    def learn(self, example: Example) -> None:
        """One label, with all that the model makes of it."""
        self.model.learn(example)


class RiverPupil:
    """A classifier or pipeline of River's. It reads what our model reads, as one dictionary."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def score(self, case: Case) -> float:
        """The probability of spam; a half before any label."""
        said = self._pipeline.predict_proba_one(as_dictionary(case.names, case.inputs))
        return float(said.get(True, 0.5 if not said else 1 - said.get(False, 1.0)))

    def learn(self, example: Example) -> None:
        """One label."""
        if example.verdict != "retracted":
            self._pipeline.learn_one(as_dictionary(example.names, example.inputs), example.verdict == "spam")


def as_dictionary(names: Names, inputs: Inputs) -> dict[str, float | str]:
    """What was read, by name, without what was missing."""
    named = [*zip(names.texts, inputs.texts, strict=True), *zip(names.categories, inputs.categories, strict=True)]
    numbers = zip(names.numbers, inputs.numbers, strict=True)
    return {name.removeprefix("event."): value for name, value in (*named, *numbers) if value is not None}
