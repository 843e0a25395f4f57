"""What learns in an evaluation: a model of ours, or any classifier of River's by itself."""

from engine.learning.estimators import RiverLearner
from engine.learning.evaluation import EvaluationCase
from engine.learning.labels import Example
from engine.learning.models import LearnedModel, new_learner


class EvaluatedModel:
    """The model that the trainer learns, through and through. `expression`: its pipeline, if it has one of its own;
    `surveys`: whether its labels are answers to a survey."""

    def __init__(self, expression: str | None = None, surveys: bool = False) -> None:
        self.model = LearnedModel("model", learner=new_learner(expression), surveys=surveys)

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam."""
        return self.model.learner.probability(case.names, case.inputs)

    def learn(self, example: Example) -> None:
        """One label, with all that the model makes of it."""
        self.model.learn(example)


class EvaluatedClassifier:
    """A classifier or pipeline of River's, taught by nothing but its labels."""

    def __init__(self, expression: str) -> None:
        self._learner = RiverLearner(expression)

    def score(self, case: EvaluationCase) -> float:
        """The probability of spam; a half before any label."""
        return self._learner.probability(case.names, case.inputs)

    def learn(self, example: Example) -> None:
        """One label."""
        if example.verdict != "retracted":
            self._learner.teach(example.names, example.inputs, example.verdict == "spam", 1.0)
