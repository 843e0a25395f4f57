"""Which parts of an event have made its score."""

from dataclasses import replace

import msgspec
import pytest

from engine.learning.contributions import contributions
from engine.learning.features import Inputs, featurizer
from engine.learning.scorers import ModelScorer
from tests.unit.learning.inputs import HAM, NAMES, SPAM, SPEC, trained


def test_what_speaks_for_spam_and_what_against_it_is_told_in_words() -> None:
    learner = trained(40).models["spam"].ngrams
    mixed = Inputs(("see you at lunch, free crypto now",), ("10.0.0.1",), (1.0, None))
    parts = dict(contributions(learner, NAMES, mixed))
    assert next(logit for part, logit in parts.items() if "crypto" in part) > 0
    assert next(logit for part, logit in parts.items() if "lunch" in part) < 0
    assert any(part.startswith("age = 1") for part in parts)


@pytest.mark.parametrize(
    "inputs", [SPAM, HAM, Inputs((None,), (None,), (None, float("inf"))), Inputs(("ü",), ("x",), (1, 2))]
)
def test_they_add_up_to_the_logit_but_for_the_constant(inputs: Inputs) -> None:
    learner = trained(40).models["spam"].ngrams
    vector = featurizer(NAMES).vector(inputs)
    total = sum(logit for _, logit in contributions(learner, NAMES, inputs, most=100))
    assert total == pytest.approx(learner.logit(vector), abs=0.4)


HINTED = msgspec.structs.replace(NAMES, hints=(0.5, -1.0))


def test_hints_are_told_as_far_as_they_count() -> None:
    inputs = Inputs(*SPAM[:2], (2.0, 1.0))
    assert dict(contributions(None, HINTED, inputs)) == {"hint: age": 1.0, "hint: n": -1.0}
    assert dict(contributions(None, HINTED, Inputs(*SPAM[:2], (2.0, None)))) == {"hint: age": 1.0}
    learner = trained(40).models["spam"].ngrams
    told = dict(contributions(learner, HINTED, inputs, most=100))
    assert told["hint: age"] == pytest.approx(learner.fading(), abs=0.001)
    assert 0 < told["hint: age"] < 1


def test_a_scorer_tells_of_hints_before_there_is_a_label() -> None:
    scorer = ModelScorer(replace(SPEC, hints=(0.5, -1.0)), None)
    scorer.prepare([SPAM[:2]])
    assert scorer.contributions(0, (2.0, 1.0)) == [("hint: age", 1.0), ("hint: n", -1.0)]
