"""Whatever learns in an evaluation learns verdicts as they are meant."""

import pytest

from engine.learning.evaluation import Case
from engine.learning.features import Inputs
from engine.learning.pupils import ModelPupil, RiverPupil
from tests.unit.learning.inputs import HAM, NAMES, SPAM, example

BAYES = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"


def case(inputs: Inputs) -> Case:
    return Case("e", 0, NAMES, inputs, None, None)


@pytest.mark.parametrize("pupil", [ModelPupil(), ModelPupil(BAYES), RiverPupil(BAYES)], ids=["own", "pipe", "river"])
def test_spam_scores_higher_after_labels_of_both_kinds(pupil: ModelPupil | RiverPupil) -> None:
    assert pupil.score(case(SPAM)) == 0.5
    for at in range(5):
        pupil.learn(example(SPAM, "spam", 2 * at))
        pupil.learn(example(HAM, "ham", 2 * at + 1))
    assert pupil.score(case(SPAM)) > 0.5 > pupil.score(case(HAM))


def test_a_classifier_of_rivers_hears_nothing_of_what_is_taken_back() -> None:
    pupil, other = RiverPupil(BAYES), RiverPupil(BAYES)
    for at in range(3):
        for one in (pupil, other):
            one.learn(example(SPAM, "spam", 2 * at))
            one.learn(example(HAM, "ham", 2 * at + 1))
        pupil.learn(example(SPAM, "retracted", 9, before="spam"))
    assert pupil.score(case(SPAM)) == other.score(case(SPAM))
