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
