"""Whatever learns in an evaluation learns verdicts as they are meant."""

import pytest

from engine.learning.evaluated import EvaluatedClassifier, EvaluatedModel
from engine.learning.evaluation import EvaluationCase
from engine.learning.features import Inputs
from tests.unit.learning.inputs import HAM, NAMES, SPAM, example

BAYES = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"


def case(inputs: Inputs) -> EvaluationCase:
    return EvaluationCase("e", 0, NAMES, inputs, None, None)


@pytest.mark.parametrize(
    "learner", [EvaluatedModel(), EvaluatedModel(BAYES), EvaluatedClassifier(BAYES)], ids=["own", "pipe", "river"]
)
def test_spam_scores_higher_after_labels_of_both_kinds(learner: EvaluatedModel | EvaluatedClassifier) -> None:
    assert learner.score(case(SPAM)) == 0.5
    for at in range(5):
        learner.learn(example(SPAM, "spam", 2 * at))
        learner.learn(example(HAM, "ham", 2 * at + 1))
    assert learner.score(case(SPAM)) > 0.5 > learner.score(case(HAM))


def test_a_classifier_of_rivers_hears_nothing_of_what_is_taken_back() -> None:
    learner, other = EvaluatedClassifier(BAYES), EvaluatedClassifier(BAYES)
    for at in range(3):
        for one in (learner, other):
            one.learn(example(SPAM, "spam", 2 * at))
            one.learn(example(HAM, "ham", 2 * at + 1))
        learner.learn(example(SPAM, "retracted", 9, before="spam"))
    assert learner.score(case(SPAM)) == other.score(case(SPAM))
