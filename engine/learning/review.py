"""Which events are worth a moderator's time: those that the model cannot tell, and some that nobody would look at.

Each scored event has a chance of being chosen, known beforehand: a share of all events, and up to `UNSURE` times as
much for those whose score is close to a half. The chance goes along with the event and comes back with its label,
which counts the more, the smaller it was: what is learned is about all events, not about the chosen ones. Chosen is
by the event's hash, so that a repeated batch chooses the same.
"""

from dataclasses import dataclass
from math import isnan

from engine.learning.scored import ScoredRows

UNSURE = 20.0
UNKNOWN = 5.0
"""How much more likely an event is chosen whose score is unknown."""

NEAR = 0.3
"""A score is called uncertain so far from a half; what is further away was chosen by chance, if with a better one."""

_STEPS = 2**32


@dataclass(frozen=True, slots=True)
class ReviewCandidate:
    """An event of a batch that is to be reviewed. `row`: where it is among the scored ones."""

    row: int
    place: int
    score: float | None
    propensity: float
    why: str


def choose(rows: ScoredRows, share: float) -> list[ReviewCandidate]:
    """Those of a batch that are to be reviewed."""
    if not share:
        return []
    candidates, most = [], share * (1 + UNSURE) * _STEPS
    for row, key in enumerate(rows.keys.tolist()):
        if key >> 32 >= most:
            continue  # as nearly all of them, however unsure the model is
        drawn, score = (key >> 32) / _STEPS, float(rows.scores[row])
        chance = propensity(score, share)
        if drawn < chance:
            is_unsure = drawn >= share and abs(score - 0.5) <= NEAR
            why = "unknown" if isnan(score) else "uncertain" if is_unsure else "exploration"
            known = None if isnan(score) else score
            candidates.append(
                ReviewCandidate(row=row, place=int(rows.places[row]), score=known, propensity=chance, why=why)
            )
    return candidates


def propensity(score: float, share: float) -> float:
    """How likely an event with this score is to be chosen; NaN is an unknown one."""
    unsure = UNKNOWN if isnan(score) else UNSURE * 4 * score * (1 - score)
    return min(1.0, share * (1 + unsure))
