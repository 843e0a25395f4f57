"""Who answers a survey is not everybody: answers count for those who were as likely to give one and did not.

An answer counts 1/p, where p is how likely its event was to be answered. These weights are taken in relation to the
share of all events that are answered, so that an average answer counts once, and capped, as one that was all but
impossible says little about many.
"""

from collections.abc import Sequence

MOST = 10.0
"""An answer counts at most for so many average ones, and at least a tenth of one."""


def propensity(answer_score: float | None, answered: float | None) -> float:
    """How likely an event was to be answered, in relation to all: `answer_score` is its own probability, `answered` the
    share of all. 1 where either is not known."""
    if answer_score is None or answered is None or not 0 < answered <= 1:
        return 1.0
    return min(MOST, max(1 / MOST, answer_score / answered))


def estimate(answers: Sequence[bool], propensities: Sequence[float]) -> tuple[float, float] | None:
    """The share of yes among all events, as the answers have it, and with their weights; None without answers."""
    if not answers:
        return None
    weights = [1 / each for each in propensities]
    weighted = sum(weight for weight, answer in zip(weights, answers, strict=True) if answer)
    return sum(answers) / len(answers), weighted / sum(weights)
