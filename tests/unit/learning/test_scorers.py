"""A model as the evaluator uses it."""

from dataclasses import replace

import pytest

from engine.core.domain.programs import ModelNumbers
from engine.core.domain.rules import ModelSpec
from engine.learning.estimators import RiverLearner
from engine.learning.features import Inputs, featurizer, names_of
from engine.learning.linear import sigmoid
from engine.learning.models import LearnedModel
from engine.learning.scored import read_scored
from engine.learning.scorers import ModelScorer, RiverScorer, scorer
from engine.learning.thresholds import Thresholds
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


def judged_model() -> LearnedModel:
    judged = Thresholds()
    for _ in range(300):
        judged.add(0.75, True)
        judged.add(0.25, False)
    return LearnedModel("spam", 600, 300, judged=judged)


def test_a_threshold_is_there_when_a_precision_is_wanted_and_the_model_knows() -> None:
    def threshold(spec: ModelSpec) -> float | None:
        return ModelScorer(spec, judged_model()).threshold

    assert threshold(replace(SPEC, precision=0.9)) == 0.75
    assert threshold(replace(SPEC, precision=0.9, min_labels=601)) is None
    assert threshold(SPEC) is None
    assert ModelScorer(replace(SPEC, precision=0.9), None).threshold is None


@pytest.mark.parametrize("categories", [("ip",), ()])
def test_texts_that_are_read_late_are_scored_as_if_they_had_been_there(categories: tuple[str, ...]) -> None:
    spec, model = replace(SPEC, categories=categories), trained().models["spam"]
    given = [(SPAM.texts, SPAM.categories[: len(categories)]), (HAM.texts, HAM.categories[: len(categories)])]
    scores = []
    for late in (False, True):
        scorer = ModelScorer(spec, model)
        scorer.prepare([None, None] if late else given)
        if late:
            for place, texts in enumerate(given):
                scorer.read_late(place, texts)
        scores.append([scorer.score(place, place, one.numbers) for place, one in enumerate((SPAM, HAM))])
    assert scores[1] == pytest.approx(scores[0], rel=1e-12)
    assert None not in scores[0]


RIVER = replace(SPEC, river="compose.Select('age') | linear_model.LogisticRegression()", min_labels=4)


def river_model(labels: int = 20) -> LearnedModel:
    assert RIVER.river is not None
    model = LearnedModel("spam", learner=RiverLearner(RIVER.river))
    for at in range(labels):
        model.learn(example(SPAM if at % 2 else HAM, "spam" if at % 2 else "ham", at))
    return model


def test_a_pipeline_says_nothing_before_it_has_seen_enough_labels() -> None:
    for labels, knows in ((3, False), (4, True)):
        scorer = RiverScorer(RIVER, river_model(labels))
        scorer.prepare([SPAM[:2]])
        assert (scorer.score(0, 1, SPAM.numbers) is not None) is knows


def test_what_a_pipeline_has_scored_is_kept_for_labels() -> None:
    for model in (river_model(), None):
        scorer = RiverScorer(RIVER, model)
        scorer.prepare([HAM[:2], SPAM[:2]])
        scores = {place: scorer.score(place, place, one.numbers) for place, one in enumerate((HAM, SPAM))}
        rows = scorer.take()
        assert rows is not None
        assert {key: one.score for key, one in read_scored(rows.encode(), [0, 1])} == scores
        assert (scores[1] is None) is (model is None)


def test_hints_explain_a_score_that_they_have_made_and_no_pipelines_score() -> None:
    hinted = replace(RIVER, hints=(0.5, -0.25))
    for spec, model, told in (
        (hinted, None, ["hint: n", "hint: age"]),
        (hinted, river_model(), []),  # nobody can tell what a pipeline has read
        (RIVER, None, []),
    ):
        one = scorer(spec, model)
        one.prepare([SPAM[:2], None])
        assert [part.part for part in one.contributions(0, SPAM.numbers)] == told
        assert one.contributions(1, SPAM.numbers) == []  # it was not asked


def test_a_model_that_was_not_asked_explains_nothing() -> None:
    scorer = ModelScorer(SPEC, trained().models["spam"])
    scorer.prepare([SPAM[:2], None])
    assert scorer.contributions(0, SPAM.numbers)
    assert scorer.contributions(1, SPAM.numbers) == []
