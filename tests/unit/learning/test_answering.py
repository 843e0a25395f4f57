"""Answers are weighed by who gives them."""

import random

from engine.learning.answering import MOST, Propensities, estimate


def answered(rng: random.Random, score: float) -> bool:
    """Whether somebody answers, of whom the model says twice as much as is true."""
    return rng.random() < score / 2


def test_scores_are_brought_to_what_has_come_true() -> None:
    rng = random.Random(1)
    scores = [rng.uniform(0.02, 0.6) for _ in range(4_000)]
    known = Propensities(scores, [answered(rng, score) for score in scores])
    assert abs(known.of(0.5) / known.of(0.1) - 5) < 1
    assert abs(sum(map(known.of, scores)) / len(scores) - 1) < 0.05


def test_little_is_known_from_few_and_nothing_counts_without_bounds() -> None:
    assert Propensities([0.5] * 90, [True] * 45 + [False] * 45).of(0.9) == 1
    known = Propensities([0.999] * 200 + [0.0001] * 200, [True] * 190 + [False] * 210)
    assert (known.of(None), known.of(0.0), known.of(1.0) <= MOST) == (1.0, 1 / MOST, True)


def test_the_weighted_share_is_that_of_all() -> None:
    # Of 100 satisfied 50 answer, of 100 others 10.
    answers, propensities = [True] * 50 + [False] * 10, [0.5] * 50 + [0.1] * 10
    assert estimate(answers, propensities) == (50 / 60, 0.5)
    assert estimate([], []) is None
