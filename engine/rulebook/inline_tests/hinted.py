"""A model without labels in rules' tests: it says what its hints and its seed make of an event."""

from engine.core.domain.rules import ModelSpec
from engine.learning.scorers import ModelScorer

THRESHOLD = 0.5
"""From which score on an event is spam, where there are no labels to tell."""


class HintedScorer(ModelScorer):
    """A model of ours that has read no label."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec, None)
        self.threshold = THRESHOLD
