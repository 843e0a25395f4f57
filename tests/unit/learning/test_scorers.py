"""A model as the evaluator uses it."""

from dataclasses import replace

import pytest

from engine.learning.features import Inputs, featurizer
from engine.learning.linear import sigmoid
from engine.learning.models import LearnedModel
from engine.learning.scorers import ModelScorer
from tests.unit.learning.inputs import HAM, NAMES, SPAM, SPEC, example, seen, trained


def test_a_model_does_not_know_before_it_has_seen_enough_of_both_kinds() -> None:
    model = LearnedModel("spam")
    for _ in range(10):
        model.learn(example(SPAM, "spam"))
    assert seen(SPAM, model).score is None
    assert seen(SPAM).score is None
    model.learn(example(HAM, "ham"))
    score = seen(SPAM, model).score
    assert score is not None
    assert score > 0.5


def test_scores_are_those_of_the_learner_in_any_batch() -> None:
    model = trained().models["spam"]
    texts = ["free crypto now", "see YOU at lunch", "", "free\x00lunch", "Überraschung 🎉 jetzt", "a b c d e f g", None]
    inputs = [Inputs((text,), ("10.0.0.1",), (float(at), None)) for at, text in enumerate(texts)]
    scorer = ModelScorer(SPEC, model)
    scorer.prepare([one[:2] for one in inputs])
    for place, one in enumerate(inputs):
        score = scorer.score(place, place, one.numbers)
        assert score == seen(one, model).score  # to the last bit: a batch's size must never show
        assert score == pytest.approx(sigmoid(model.ngrams.logit(featurizer(NAMES).vector(one))), rel=1e-5)


def test_a_model_that_does_not_learn_keeps_nothing() -> None:
    scorer = ModelScorer(replace(SPEC, learns=False), trained().models["spam"])
    scorer.prepare([SPAM[:2]])
    assert scorer.score(0, 1, SPAM.numbers) is not None
    assert scorer.take() is None


def test_a_decision_tells_what_was_read() -> None:
    scorer = ModelScorer(SPEC, None)
    scorer.prepare([HAM[:2]])
    assert scorer.describe(0, HAM.numbers) == {"text": 16, "age": 500.0, "n": None}
