"""River's own classifiers and pipelines learn, score, travel, and cannot bring anything else along."""

import pickle
from dataclasses import replace
from math import inf, nextafter
from typing import Any

import pytest
from river import datasets

from engine.errors import LabelError, SnapshotError
from engine.learning.estimators import MAX_NUMBER, RiverLearner, as_dictionary
from engine.learning.features import Inputs, Names
from engine.learning.models import LearnedModel, new_learner
from engine.learning.scorers import ModelScorer, RiverScorer, scorer
from engine.learning.snapshots import SnapshotReader, SnapshotWriter, copied, read_whole, whole
from engine.learning.trainer import Trainer
from tests.unit.learning.inputs import HAM, NAMES, SPAM, SPEC, examples

PIPELINES = [
    "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()",
    "feature_extraction.TFIDF(on='text') | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3))",
    "compose.Select('age') | preprocessing.StandardScaler() | linear_model.LogisticRegression()",
    "compose.Select('age') | forest.ARFClassifier(n_models=3, seed=1)",
    "compose.Discard('text', 'ip') | tree.HoeffdingTreeClassifier(grace_period=5)",
]


def taught(expression: str, count: int = 40) -> LearnedModel:
    model = LearnedModel("spam", learner=new_learner(expression))
    for one in examples(count):
        model.learn(one)
    return model


@pytest.mark.parametrize("expression", PIPELINES)
def test_they_learn_and_arrive_as_they_were(expression: str) -> None:
    model = taught(expression)
    model.next_offset = 40
    follower = SnapshotReader()
    for key, value in SnapshotWriter().publish(model):
        follower.receive(key, value)
    there, copy, filed = follower.model(), copied(model.learner), read_whole(whole(model))
    for inputs in (SPAM, HAM):
        said = model.learner.probability(NAMES, inputs)
        assert there.learner.probability(NAMES, inputs) == said
        assert copy.probability(NAMES, inputs) == said
        assert filed.learner.probability(NAMES, inputs) == said
    assert model.learner.probability(NAMES, SPAM) > model.learner.probability(NAMES, HAM)
    assert there.expression == expression


def test_what_a_pipeline_cannot_read_is_unknown_and_cannot_be_learned() -> None:
    expression = "compose.Select('age', 'n') | preprocessing.StandardScaler() | linear_model.LogisticRegression()"
    model = LearnedModel("spam", learner=new_learner(expression))
    for one in examples(20)[1::2]:
        model.learn(one)
    with pytest.raises(LabelError, match="cannot learn this"):
        model.learn(examples(1)[0])  # it has no `n`
    model.labels, model.spam = 20, 10
    asked = scorer(replace(SPEC, river=expression), model)
    asked.prepare([SPAM[:2], HAM[:2]])
    assert asked.score(0, 1, SPAM.numbers) is not None
    assert asked.score(1, 2, HAM.numbers) is None


class Reaching:
    """Something that reaches for what is behind an object."""

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (str, "__subclasses__")


class Download:
    """Something that would fetch a file when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (datasets.TREC07(), "download")


class Evil:
    """Something that would run a command when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1 + 1",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        pickle.dumps(Evil()),
        pickle.dumps(Reaching()),
        pickle.dumps(print),
        pickle.dumps({"a": Evil}),
        pickle.dumps(5),
    ],
)
def test_what_is_no_estimator_of_river_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        RiverLearner.load(PIPELINES[0], data)


def test_a_part_that_is_missing_or_damaged_leaves_the_model_as_it_is() -> None:
    model, follower = taught(PIPELINES[0]), SnapshotReader()
    messages = list(SnapshotWriter().publish(model))
    with pytest.raises(SnapshotError, match="cannot be read"):
        follower.receive(*messages[-1])
    assert follower.head is None
    with pytest.raises(SnapshotError, match="cannot be read"):
        follower.receive("spam/river/0/0", b"\x01")


def test_scores_are_the_pipelines_and_unknown_while_another_pipeline_has_learned() -> None:
    spec = replace(SPEC, river=PIPELINES[0])
    model = taught(PIPELINES[0])
    one = scorer(spec, model)
    assert isinstance(one, RiverScorer)
    one.prepare([SPAM[:2], None])
    assert one.score(0, 1, SPAM.numbers) == model.learner.probability(NAMES, SPAM)
    one.read_late(1, HAM[:2])
    assert one.score(1, 2, HAM.numbers) == model.learner.probability(NAMES, HAM)
    rows = one.take()
    assert rows is not None
    assert rows.keys.tolist() == [1, 2]
    for other in (replace(SPEC, river=PIPELINES[1]), SPEC):
        stranger = scorer(other, model)
        assert isinstance(stranger, ModelScorer)
        stranger.prepare([SPAM[:2]])
        assert stranger.score(0, 1, SPAM.numbers) is None


def test_a_model_begins_anew_when_the_rulebook_has_another_pipeline() -> None:
    trainer = Trainer()
    stream = examples(30)
    for offset, one in enumerate(stream[:20]):
        trainer.learn(one, offset, PIPELINES[0])
    for offset, one in enumerate(stream[20:], start=20):
        trainer.learn(one, offset, PIPELINES[1])
    model = trainer.models["spam"]
    assert (model.expression, model.labels, model.next_offset) == (PIPELINES[1], 10, 30)
    follower = SnapshotReader()
    for key, value in trainer.publications():
        follower.receive(key, value)
    assert follower.model().learner.probability(NAMES, SPAM) == model.learner.probability(NAMES, SPAM)


class Saying:
    """A classifier that gives these probabilities."""

    def __init__(self, said: dict[bool, float]) -> None:
        self._said = said

    def predict_proba_one(self, x: dict[str, float | str]) -> dict[bool, float]:
        return self._said


@pytest.mark.parametrize(
    ("said", "probability"),
    [
        ({}, 0.5),
        ({False: 0.25}, 0.75),
        ({False: 1.0}, 0.0),
        ({True: 0.25}, 0.25),
        ({False: 0.9, True: 0.25}, 0.25),
        ({True: 0.0}, 0.0),
        ({True: 1.0}, 1.0),
        ({True: -0.01}, 0.5),
        ({True: 1.01}, 0.5),
        ({True: float("nan")}, 0.5),
    ],
)
def test_a_probability_is_what_is_said_of_spam_or_else_of_ham(said: dict[bool, float], probability: float) -> None:
    learner = RiverLearner(PIPELINES[0])
    learner._estimator = Saying(said)
    assert learner.probability(NAMES, SPAM) == probability


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_are_read_up_to_the_largest_of_either_sign(sign: int) -> None:
    names = Names((), (), ("event.n",))
    assert as_dictionary(names, Inputs((), (), (sign * MAX_NUMBER,))) == {"n": sign * MAX_NUMBER}
    assert as_dictionary(names, Inputs((), (), (sign * nextafter(MAX_NUMBER, inf),))) == {}
    assert as_dictionary(names, Inputs((), (), (None,))) == {}
