"""The default learner is a classifier of River's, and survives wrong labels."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from river import checks

from engine.learning.metrics import roc_auc
from engine.learning.ngrams import HashedNgrams


@pytest.mark.parametrize("check", list(checks.yield_checks(HashedNgrams())), ids=lambda check: check.__name__)
def test_river_accepts_it(check: Callable[[HashedNgrams], None]) -> None:
    check(HashedNgrams())


def test_rates_are_as_many_as_arms() -> None:
    with pytest.raises(ValueError, match="4 learning rates, not 1"):
        HashedNgrams(rates=(0.1,))


def messages(count: int, seed: int) -> Iterator[tuple[dict[str, object], bool]]:
    random = Random(seed)
    ham = ["lunch", "meeting", "report", "thanks", "tomorrow", "weather"]
    spam = ["casino", "crypto", "winner", "pills", "offer", "bonus"]
    for _ in range(count):
        is_spam = random.random() < 0.3
        words = [random.choice(spam if is_spam and random.random() < 0.5 else ham) for _ in range(8)]
        yield {"text": " ".join(words), "age": random.expovariate(0.1 if is_spam else 0.01)}, is_spam


@pytest.mark.parametrize(("flipped", "wanted"), [(0.0, 0.99), (0.2, 0.97)])
def test_it_learns_from_few_and_from_wrong_labels(flipped: float, wanted: float) -> None:
    model, random = HashedNgrams(), Random(3)
    scores, truth = [], []
    for x, spam in messages(1_500, 1):
        scores.append(model.predict_proba_one(x)[True])
        truth.append(spam)
        model.learn_one(x, spam != (random.random() < flipped))
    found = roc_auc(scores[500:], truth[500:])
    assert found is not None
    assert found > wanted
    assert (model.shares().index(max(model.shares())) >= 1) == (flipped > 0)


def test_what_was_learned_by_mistake_is_taken_back() -> None:
    model = HashedNgrams()
    for x, spam in messages(300, 1):
        model.learn_one(x, spam)
    vector = model.vector({"text": "a note about the winner of the match", "age": 400.0})
    before = model.predict_proba_one({"text": "a note about the winner of the match", "age": 400.0})[True]
    model.learn(vector, spam=True)
    wrong = model.logit(vector)
    model.restore(vector, before)
    assert model.logit(vector) < wrong


def test_few_labels_of_a_kind_say_less() -> None:
    learner = HashedNgrams()
    factors = [sum(learner.factors())]
    for spam in (True, True, False, True, False):
        learner.learn_one({"text": "some text"}, spam)
        factors.append(sum(learner.factors()))
    assert factors == pytest.approx([0.5, 0.5, 0.5, 0.75, 0.75, 2.5 / 3])
