"""A score is told together with what came of events that scored about the same."""

from engine.learning.calibrated import Calibration


def test_a_score_is_told_what_came_of_its_like() -> None:
    scores = [at / 1_000 for at in range(1_000)]
    calibration = Calibration(scores, [at % 10 < at // 100 for at in range(1_000)])
    low, high = calibration.of(0.05), calibration.of(0.95)
    assert low is not None and high is not None
    assert (low.labels, low.share, high.labels, high.share) == (100, 0.0, 100, 0.9)
    assert low.ece == high.ece < 0.06
    assert calibration.of(0.0) == low and calibration.of(1.0) == high


def test_equal_scores_are_in_one_part_and_without_labels_nothing_is_told() -> None:
    likeness = Calibration([0.5] * 30, [True] * 15 + [False] * 15).of(0.1)
    assert likeness is not None
    assert (likeness.labels, likeness.share) == (30, 0.5)
    assert Calibration([], []).of(0.5) is None
