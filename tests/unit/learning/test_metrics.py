"""How good scores are."""

import pytest

from engine.learning.metrics import calibration_error, log_loss, pr_auc, recall_at, roc_auc
from engine.learning.thresholds import Thresholds

SCORES, SPAM = [0.9, 0.8, 0.7, 0.1], [True, False, True, False]


def test_without_both_kinds_nothing_is_known() -> None:
    assert roc_auc([], []) is None
    assert roc_auc([0.5], [True]) is None
    assert pr_auc([0.5], [False]) is None
    assert recall_at([0.5], [True], 0.1) is None
    assert recall_at([0.5], [False], 0.1) is None
    assert log_loss([], []) is None
    assert calibration_error([], []) is None


def test_by_hand() -> None:
    assert roc_auc(SCORES, SPAM) == pytest.approx(0.75)
    assert roc_auc([0.5, 0.5], [True, False]) == pytest.approx(0.5)
    assert pr_auc(SCORES, SPAM) == pytest.approx((1 + 2 / 3) / 2)
    assert recall_at(SCORES, SPAM, 0.0) == pytest.approx(0.5)
    assert recall_at(SCORES, SPAM, 0.5) == pytest.approx(1.0)
    assert recall_at([0.9, 0.5], [False, True], 0.0) == 0.0
    assert log_loss([0.5, 0.5], [True, False]) == pytest.approx(0.6931, abs=1e-4)
    assert calibration_error([0.95, 0.95, 0.05, 0.05], [True, False, False, False]) == pytest.approx(0.25)


def test_a_trainer_knows_how_good_the_last_scores_were() -> None:
    quality = Thresholds()
    assert quality.roc_auc() is None
    for score, spam in zip([*SCORES, None], [*SPAM, True], strict=True):
        quality.add(score, spam)
    assert quality.roc_auc() == pytest.approx(0.75)


def test_a_sure_mistake_costs_much_and_not_everything() -> None:
    assert log_loss([0.9], [False]) == pytest.approx(2.302585)
    assert log_loss([0.9], [True]) == pytest.approx(0.105361, abs=1e-6)
    assert log_loss([0.0], [True]) == log_loss([1.0], [False]) == pytest.approx(20.723, abs=1e-3)


def test_the_highest_scores_share_a_bin() -> None:
    assert calibration_error([1.0, 0.95], [False, True]) == pytest.approx((1.0 - 0.05) / 2)
    assert calibration_error([0.0, 0.05], [False, False]) == pytest.approx(0.05 / 2)


def test_equal_scores_are_ranked_together() -> None:
    scores, spam = [0.9, 0.5, 0.5, 0.5, 0.1], [True, True, False, False, False]
    assert roc_auc(scores, spam) == pytest.approx((3 + 2) / 6)  # the second wins once, and twice by half
    assert pr_auc(scores, spam) == pytest.approx((1 + 2 / 4) / 2)
    assert recall_at(scores, spam, 0.66) == pytest.approx(0.5)
    assert recall_at(scores, spam, 0.67) == pytest.approx(1.0)
    assert recall_at(scores, spam, 0.0) == pytest.approx(0.5)
