"""Answers are weighed by who gives them."""

import random
from statistics import fmean, pstdev

import pytest

from engine.learning.answering import MOST, Propensities, corrected, estimate


def answered(rng: random.Random, score: float) -> bool:
    """Whether somebody answers, of whom the model says twice as much as is true."""
    return rng.random() < score / 2


def test_scores_are_brought_to_what_has_come_true() -> None:
    rng = random.Random(1)
    scores = [rng.uniform(0.02, 0.6) for _ in range(4_000)]
    known = Propensities(scores, [answered(rng, score) for score in scores], 4_000)
    likely, unlikely = known.of(0.5), known.of(0.1)
    assert likely is not None and unlikely is not None
    assert abs(likely / unlikely - 5) < 1
    assert abs(sum(known.of(score) or 0.0 for score in scores) / len(scores) - 1) < 0.05


def test_little_is_known_from_few_and_nothing_counts_without_bounds() -> None:
    assert Propensities([0.5] * 2_000, [True, False] * 1_000, 3_999).of(0.9) is None  # it began a moment ago
    assert Propensities([0.5] * 2_000, [True, False] * 1_000, 4_000).of(0.9) is not None
    assert Propensities([0.5] * 2_000, [True] * 19 + [False] * 1_981, 4_000).of(0.9) is None
    assert Propensities([0.5] * 2_000, [True] * 20 + [False] * 1_980, 4_000).of(0.9) is not None
    known = Propensities([0.0001] * 400 + [0.999] * 200, [False] * 400 + [True] * 190 + [False] * 10, 4_000)
    assert known.of(None) is None
    assert known.of(0.0) == 1 / MOST
    assert 1 < (known.of(1.0) or 0.0) <= MOST


def test_nothing_is_known_while_the_latest_begin_with_answers_alone() -> None:
    mixed = [*[False] * 9, True] * 190
    assert Propensities([0.1] * 2_000, [True] * 100 + mixed, 50_000).is_known
    assert not Propensities([0.1] * 2_001, [True] * 101 + mixed, 50_000).is_known


def test_weights_hardly_differ_from_sample_to_sample_where_the_scores_are_right() -> None:
    rng, found = random.Random(2), []
    for _ in range(20):
        scores = [0.03 + 0.27 * rng.random() ** 2 for _ in range(2_000)]
        found.append(Propensities(scores, [rng.random() < score for score in scores], 4_000).of(0.035) or 0.0)
    weights = [1 / each for each in found]
    assert fmean(weights) == pytest.approx(0.12 / 0.035, rel=0.1)
    assert pstdev(weights) < 0.15 * fmean(weights)


def test_the_weighted_share_is_that_of_all() -> None:
    # Of 100 satisfied 50 answer, of 100 others 10.
    answers, propensities = [True] * 50 + [False] * 10, [0.5] * 50 + [0.1] * 10
    assert estimate(answers, propensities) == (50 / 60, 0.5)
    assert estimate([], []) is None


def test_scores_that_come_after_are_set_right_by_the_answers() -> None:
    # 90 score .8 and 20 of those are answered, 10 of them yes; 10 score .2, all of them are answered, and 5 yes.
    scores = [0.8] * 90 + [0.2] * 10
    answers, answered = [True, False] * 10 + [True, False] * 5, [0.8] * 20 + [0.2] * 10
    propensities = [20 / 90] * 20 + [1.0] * 10
    assert corrected(scores, answered, answers, propensities) == pytest.approx(0.5)
    # Weights that are wrong do no harm where the scores are right.
    assert corrected([0.5] * 100, [0.5] * 30, answers, [1.0] * 30) == pytest.approx(0.5)
    assert corrected(scores, [], [], []) is None
