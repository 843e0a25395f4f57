"""A model without labels in rules' tests: it says what its hints and its seed make of an event."""

from engine.core.domain.rules import ModelSpec
from engine.learning.scorers import ModelScorer, scorer

THRESHOLD = 0.5
"""From which score on an event is spam, where there are no labels to tell."""


def hinted_scorer(spec: ModelSpec) -> ModelScorer:
    """A model that has read no label."""
    made = scorer(spec, None)
    made.threshold = THRESHOLD
    return made
