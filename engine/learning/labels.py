"""Moderators' labels, and their join with the features as they were scored.

Nothing is recomputed: what a model learns from is what it saw when it scored the event. The outcomes
of a join, each counted:

    matched     the first verdict on a scored event        → an example
    changed     a later, different verdict                  → an example with the new verdict
    duplicate   the verdict that is known already           → nothing
    retracted   the verdict is taken back                   → remembered; nothing is unlearned yet
    unmatched   the event was never scored, or is forgotten → nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.learning.scored import ScoredModel

Verdict = Literal["spam", "ham", "retracted"]
JoinOutcome = Literal["matched", "changed", "duplicate", "retracted", "unmatched"]

VERDICTS: tuple[Verdict, ...] = ("spam", "ham", "retracted")


@dataclass(frozen=True, slots=True)
class Label:
    """A moderator's verdict on an event, and when it was given."""

    event_id: str
    verdict: Verdict
    ts_ms: int
    moderator: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A label joined with one model's features as scored. `source`: partition and offset of the label."""

    model: str
    event_id: str
    spam: bool
    score: float | None
    features: bytes
    source: tuple[int, int]


def join(
    label: Label, scored: Sequence[ScoredModel], known: str | None, source: tuple[int, int]
) -> tuple[JoinOutcome, list[Example]]:
    """What a label means for an event as it was scored, of which a verdict may be known: the outcome, and the
    examples to learn. The label's verdict is the known one from now on, unless it is unmatched."""
    if not scored:
        return "unmatched", []
    if known == label.verdict:
        return "duplicate", []
    if label.verdict == "retracted":
        return "retracted", []
    examples = [
        Example(model.name, label.event_id, label.verdict == "spam", model.score, model.features.encode(), source)
        for model in scored
    ]
    return ("changed" if known else "matched"), examples
