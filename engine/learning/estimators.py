"""Any classifier or pipeline of River's that may be used, as a learner, and as bytes.

Bytes are what `engine.learning.learner_state` writes: numbers and texts, put into an estimator that the expression has
made. What comes from a topic cannot run anything.

River's estimators take a second to import, and few rulebooks name one: they are imported when a learner is made.
"""

from engine.errors import LabelError
from engine.learning.features import Inputs, Names

MAX_NUMBER = 1e15
"""Larger ones, which a sender may write, make variances overflow: such a learner could not be stored any more."""


class RiverLearner:
    """A classifier of River's. It reads texts, categories and numbers by name, in one dictionary."""

    def __init__(self, expression: str) -> None:
        from engine.learning.pipelines import read_pipeline  # noqa: PLC0415  # a second

        self.expression = expression
        self._estimator = read_pipeline(expression)

    @property
    def keeps_text(self) -> bool:
        """Whether it may keep words, or values of categories, as they were in events."""
        from engine.learning.allowed_estimators import keeps_text  # noqa: PLC0415  # as above

        return keeps_text(self._estimator)

    def probability(self, names: Names, inputs: Inputs) -> float:
        """The probability of spam; a half while it says nothing. Raises whatever the pipeline raises."""
        probabilities = self._estimator.predict_proba_one(as_dictionary(names, inputs))
        probability = float(probabilities.get(True, 0.5 if not probabilities else 1 - probabilities.get(False, 1.0)))
        return probability if 0 <= probability <= 1 else 0.5

    def teach(
        self, names: Names, inputs: Inputs, spam: bool, push: float, score: float | None = None, undone: float = 0.0,
        stands_for: float = 1.0, again: float = 0.0,
    ) -> float:  # fmt: skip
        """One label; returns the probability of spam that it would have given before. River's classifiers have no
        common way to weigh labels: `push`, `score`, `undone`, `stands_for` and `again` are left out. Raises
        LabelError when the pipeline does."""
        try:
            before = self.probability(names, inputs)
            self._estimator.learn_one(as_dictionary(names, inputs), spam)
        except Exception as error:  # a pipeline may do anything
            raise LabelError("pipeline_failed", f"{self.expression} cannot learn this: {error!r}") from error
        return before

    def take_back(self, names: Names, inputs: Inputs, score: float, push: float) -> None:
        """River's classifiers cannot forget: nothing happens."""

    def dump(self) -> bytes:
        """All that it has learned. Raises SnapshotError when it cannot be written."""
        from engine.learning.learner_state import dump_state  # noqa: PLC0415  # as above

        return dump_state(self._estimator)

    @classmethod
    def load(cls, expression: str, data: bytes) -> "RiverLearner":
        """What `dump` wrote. Raises SnapshotError, and PipelineError for the expression."""
        from engine.learning.learner_state import load_state  # noqa: PLC0415  # as above

        learner = cls(expression)
        load_state(learner._estimator, data)
        return learner


def as_dictionary(names: Names, inputs: Inputs) -> dict[str, float | str]:
    """What was read, by name, without what was missing, and without numbers that are too large to learn from."""
    named = [*zip(names.texts, inputs.texts, strict=True), *zip(names.categories, inputs.categories, strict=False)]
    numbers = [
        (name, number)
        for name, number in zip(names.numbers, inputs.numbers, strict=True)
        if number is not None and -MAX_NUMBER <= number <= MAX_NUMBER
    ]
    return {name.removeprefix("event."): value for name, value in (*named, *numbers) if value is not None}
