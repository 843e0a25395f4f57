"""A model as the evaluator uses it."""

from dataclasses import replace

import pytest

from engine.core.programs import ModelNumbers
from engine.core.rules import ModelSpec
from engine.learning.features import Inputs, featurizer, names_of
from engine.learning.linear import sigmoid
from engine.learning.models import LearnedModel
from engine.learning.scorers import ModelScorer, scorer
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


HINTED = replace(SPEC, hints=(0.5, -0.25))


def hinted_score(numbers: ModelNumbers, model: LearnedModel | None, spec: ModelSpec = HINTED) -> float | None:
    one = scorer(spec, model)
    one.prepare([SPAM[:2]])
    return one.score(0, 1, numbers)


@pytest.mark.parametrize("river", [None, "linear_model.LogisticRegression()"])
def test_what_a_rulebook_hints_at_is_the_score_before_labels(river: str | None) -> None:
    spec = replace(HINTED, river=river)
    assert hinted_score((2.0, 4.0), None, spec) == pytest.approx(sigmoid(1 - 1))
    assert hinted_score((2, None), None, spec) == pytest.approx(sigmoid(1))
    assert hinted_score((True, False), None, spec) == pytest.approx(sigmoid(0.5))
    assert hinted_score((None, None), None, spec) is None
    assert hinted_score((1e9, 0.0), None, spec) == pytest.approx(sigmoid(5))  # hints are never sure


def test_with_labels_hints_count_as_the_learner_says() -> None:
    model, names = trained().models["spam"], names_of(HINTED)
    inputs = Inputs(*SPAM[:2], (3.0, 2.0))
    assert hinted_score(inputs.numbers, model) == pytest.approx(model.ngrams.probability(names, inputs), rel=1e-6)


def test_a_model_that_does_not_learn_keeps_nothing() -> None:
    scorer = ModelScorer(replace(SPEC, learns=False), trained().models["spam"])
    scorer.prepare([SPAM[:2]])
    assert scorer.score(0, 1, SPAM.numbers) is not None
    assert scorer.take() is None


def test_a_decision_tells_what_was_read() -> None:
    scorer = ModelScorer(SPEC, None)
    scorer.prepare([HAM[:2]])
    assert scorer.describe(0, HAM.numbers) == {"text": 16, "age": 500.0, "n": None}
