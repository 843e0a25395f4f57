"""Moderators' labels, and their join with what the models had read when they scored.

Nothing is recomputed: what a model learns from is what it saw when it scored the event. The outcomes
of a join, each counted:

    matched     the first verdict on a scored event        → an example
    changed     a later, different verdict                  → an example that takes the old verdict's place
    duplicate   the verdict that is known already           → nothing
    retracted   the verdict is taken back                   → an example that takes back what was learned
    unmatched   the event was never scored, or is forgotten → nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from engine.learning.features import Inputs, Names
from engine.learning.scored import ScoredModel

Verdict = Literal["spam", "ham", "retracted"]
JoinOutcome = Literal["matched", "changed", "duplicate", "retracted", "unmatched"]

VERDICTS: tuple[Verdict, ...] = ("spam", "ham", "retracted")


@dataclass(frozen=True, slots=True)
class Label:
    """A moderator's verdict on an event, and when it was given; `action_id`: on the event that this action is about, as
    long as `event_id` is empty. `propensity`: how likely the event was to be chosen
    for a label, where that is known; `policy`: what it is about, for models that learn that alone."""

    event_id: str
    verdict: Verdict
    ts_ms: int
    moderator: str | None = None
    propensity: float = 1.0
    policy: str | None = None
    action_id: str | None = None

    @property
    def subject(self) -> str:
        """What it is a verdict on: an event may be spam under one policy and not under another."""
        return self.event_id if self.policy is None else f"{self.event_id}\x00{self.policy}"


@dataclass(frozen=True, slots=True)
class Example:
    """A label joined with what one model read. `before`: the verdict that it replaces, `before_by` whose that was;
    `source`: partition and offset of the label."""

    model: str
    event_id: str
    verdict: Verdict
    before: Verdict | None
    score: float | None
    names: Names
    inputs: Inputs
    source: tuple[int, int]
    ts_ms: int
    moderator: str | None = None
    propensity: float = 1.0
    before_by: str | None = None


class Known(NamedTuple):
    """The verdict that an event has, and whose it is."""

    verdict: Verdict
    moderator: str | None


def join(
    label: Label, scored: Sequence[ScoredModel], known: Known | None, source: tuple[int, int]
) -> tuple[JoinOutcome, list[Example]]:
    """What a label means for an event as it was scored, of which a verdict may be known: the outcome, and the
    examples to learn. The label's verdict is the known one from now on, unless it is unmatched."""
    learners = [model for model in scored if model.policy == label.policy]
    if not learners:
        return "unmatched", []
    if (known is not None and known.verdict == label.verdict) or (known is None and label.verdict == "retracted"):
        return "duplicate", []
    before = known if known is not None and known.verdict != "retracted" else None
    examples = [
        Example(
            model.name, label.event_id, label.verdict, before and before.verdict, model.score, model.names,
            model.inputs, source, label.ts_ms, label.moderator, label.propensity, before and before.moderator,
        )
        for model in learners
    ]  # fmt: skip
    if label.verdict == "retracted":
        return "retracted", examples
    return ("changed" if before else "matched"), examples


def encode_known(label: Label) -> str:
    """The verdict that an event has from now on, as it is kept."""
    return label.verdict if label.moderator is None else f"{label.verdict} {label.moderator}"


def decode_known(text: str) -> Known:
    """What `encode_known` wrote."""
    verdict, _, moderator = text.partition(" ")
    return Known(cast(Verdict, verdict), moderator or None)
