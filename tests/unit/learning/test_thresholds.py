"""From which score on precision is reached, if that can be known."""

from random import Random

import numpy as np
import pytest

from engine.learning.thresholds import FEWEST, FEWEST_HAM, RECENT, SPENT, WINDOW, Thresholds, wilson_lower


def test_the_bound_is_wilsons() -> None:
    assert wilson_lower(np.array([9]), np.array([10]), 1.96)[0] == pytest.approx(0.5958, abs=1e-3)
    assert wilson_lower(np.array([0]), np.array([10]))[0] == pytest.approx(0.0, abs=1e-12)


def test_too_few_labels_tell_nothing() -> None:
    thresholds = Thresholds()
    assert thresholds.lowest(0.5) is None
    for _ in range(FEWEST_HAM - 1):
        thresholds.add(0.1, spam=False)
    for _ in range(FEWEST):
        thresholds.add(0.9, spam=True)
    assert thresholds.lowest(0.5) is None
    thresholds.add(0.1, spam=False)
    assert thresholds.lowest(0.5) == pytest.approx(0.9)


def test_too_little_spam_above_a_threshold_tells_nothing() -> None:
    thresholds = Thresholds()
    for _ in range(FEWEST_HAM):
        thresholds.add(0.1, spam=False)
    for _ in range(FEWEST - 1):
        thresholds.add(0.9, spam=True)
        thresholds.add(None, spam=True)
    assert thresholds.lowest(0.5) is None
    thresholds.add(0.9, spam=True)
    assert thresholds.lowest(0.5) == pytest.approx(0.9)
    assert thresholds.lowest(0.99) is None


def test_what_held_once_must_hold_lately() -> None:
    thresholds = Thresholds()
    for at in range(1_000):
        thresholds.add(0.9, spam=True)
        thresholds.add(0.1, spam=False)
        if at >= 900:
            thresholds.add(0.9, spam=at % 2 == 0)
    assert thresholds.lowest(0.9) is None
    assert thresholds.lowest(0.5) == pytest.approx(0.9)


def test_what_is_promised_is_kept_on_events_to_come() -> None:
    draws, thresholds = Random(1), Thresholds()

    def event() -> tuple[float, bool]:
        score = draws.random()
        return score, draws.random() < score**0.5

    for _ in range(2_000):
        thresholds.add(*event())
    lowest = thresholds.lowest(0.9)
    assert lowest is not None
    called = [spam for score, spam in (event() for _ in range(20_000)) if score >= lowest]
    assert len(called) > 1_000
    assert sum(called) / len(called) >= 0.9


def test_they_are_kept() -> None:
    thresholds = Thresholds()
    for at in range(FEWEST_HAM):
        thresholds.add(0.1, spam=False)
        thresholds.add(0.5 + at / 1_000, spam=True)
    assert Thresholds.load(thresholds.dump()).dump() == thresholds.dump()
    assert Thresholds.load(thresholds.dump()).lowest(0.9) == thresholds.lowest(0.9)
    with pytest.raises(ValueError, match="not the scores"):
        Thresholds.load(b"abc")


def test_as_many_labels_can_be_read_as_are_kept() -> None:
    assert len(Thresholds.load(bytes(5 * WINDOW)).dump()) == 5 * WINDOW
    with pytest.raises(ValueError, match="not the scores"):
        Thresholds.load(bytes(5 * (WINDOW + 1)))


def filled(*labels: tuple[int, float, bool]) -> Thresholds:
    thresholds = Thresholds()
    for count, score, spam in labels:
        for _ in range(count):
            thresholds.add(score, spam)
    return thresholds


def test_the_highest_score_may_be_the_threshold_of_all() -> None:
    assert filled((FEWEST_HAM, 1.0, False), (1_000, 1.0, True)).lowest(0.5) == 1.0


def test_just_so_many_labels_are_the_latest_and_just_so_many_of_them_must_be_spam() -> None:
    latest = (1, 0.9, True), (1, 0.9, False), (RECENT - 2, 0.1, False)
    thresholds = filled((1, 0.1, False), (600, 0.9, True), *latest)  # of the latest above .9 one in two is spam
    assert 1 - (1 - 0.25) * SPENT == 0.5
    assert thresholds.lowest(0.25) == pytest.approx(0.9)
    thresholds.add(0.1, spam=False)  # and now none
    assert thresholds.lowest(0.25) is None


def test_a_bound_that_is_just_what_is_wanted_is_enough() -> None:
    thresholds = filled((FEWEST_HAM, 0.1, False), (14, 0.9, True), (6, 0.9, False))
    bound = float(wilson_lower(np.array([14]), np.array([20]))[0])
    precision = 1 - (1 - bound) / SPENT
    assert 1 - (1 - precision) * SPENT == bound
    assert thresholds.lowest(precision) == pytest.approx(0.9)
    assert thresholds.lowest(precision + 1e-9) is None
