"""Moderators' labels, and their join with what the models had read when they scored.

Nothing is recomputed: what a model learns from is what it saw when it scored the event. The outcomes
of a join, each counted:

    matched     the first verdict on a scored event        → an example
    changed     a later, different verdict                  → an example that takes the old verdict's place
    confirmed   the verdict that is known already, from
                another moderator                           → an example that teaches nothing, and tells who agrees
    duplicate   the same from whoever gave it, or from nobody
                in particular; or what was signed before it → nothing
    retracted   the verdict is taken back                   → an example that takes back what was learned
    unmatched   the event was never scored or kept, or is forgotten → nothing
    ambiguous   several events have this id, and the label does not tell whose it is → nothing

Where a model says so, a share of the events is an example of ham as soon as it is scored: an example of a label then
takes the place of that.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, cast

from engine.core.kernel import hash64
from engine.learning.comparison import Rival
from engine.learning.features import Inputs, Names
from engine.learning.scored import ScoredModel, is_presumed
from engine.learning.sources import Position
from engine.learning.verdicts import Verdict

JoinOutcome = Literal["matched", "changed", "confirmed", "duplicate", "retracted", "unmatched"]


@dataclass(frozen=True, slots=True)
class Label:
    """A moderator's verdict on an event, and when it was given; `action_id`: on the event that this action is about, as
    long as `event_id` is empty. `propensity`: how likely the event was to be chosen
    for a label, where that is known; `policy`: what it is about, for models that learn that alone; `user_id` and
    `type`: the event's, where the label tells; `identity`: the event's, once it has been found; `sequence`: of its
    signature, 0 without one."""

    event_id: str
    verdict: Verdict
    ts_ms: int
    moderator: str | None = None
    propensity: float = 1.0
    policy: str | None = None
    action_id: str | None = None
    user_id: str | None = None
    type: str | None = None
    identity: int = 0
    sequence: int = 0


class Awaited(NamedTuple):
    """An event whose label is waited for before it is presumed to be ham: its identity, when it came, and until when it
    is waited for."""

    identity: int
    event_ms: int
    due_ms: int = 0


def subject_of(identity: int, policy: str | None) -> int:
    """What a verdict is on: an event may be spam under one policy and not under another."""
    return identity if policy is None else hash64(f"{identity:016x} {policy}")


@dataclass(frozen=True, slots=True)
class Example:
    """A label joined with what one model read. `before`: the verdict that it replaces, `before_by` whose that was;
    `source`: partition and offset of the label; `presumed`: the event is among this share that is taken for ham, which
    this example says where it replaces nothing: then `source` is about the event; `answered`: where the answer stands
    that was there before its event was scored: then `source` is about the event too; `rival`: what the model's
    challenger had said of the event; `awaited`: the event, where the model waits for labels before it presumes."""

    model: str
    event_id: str
    verdict: Verdict
    before: Verdict | None
    score: float | None
    names: Names
    inputs: Inputs
    source: Position
    ts_ms: int
    moderator: str | None = None
    propensity: float = 1.0
    before_by: str | None = None
    presumed: float = 0.0
    answered: Position | None = None
    rival: Rival | None = None
    awaited: Awaited | None = None

    @property
    def presumes(self) -> bool:
        """Whether nobody has given a label, and the event is taken for ham."""
        return self.presumed > 0 and self.before is None

    @property
    def confirms(self) -> bool:
        """Whether another moderator has said the same before."""
        return self.before_by is not None and self.before == self.verdict


class Known(NamedTuple):
    """The verdict that an event has, whose it is, and the sequence number of its signature; `times`: how many verdicts
    it has had, as far as anything asks about labels; `note`: of what has followed from it."""

    verdict: Verdict
    moderator: str | None
    sequence: int = 0
    times: int = 0
    note: bytes = b""

    def is_confirmed_by(self, label: Label) -> bool:
        """Whether a label says the same, and is another moderator's."""
        same = self.verdict == label.verdict != "retracted" and not 0 < label.sequence <= self.sequence
        return same and None not in (self.moderator, label.moderator) and self.moderator != label.moderator

    def stands_against(self, label: Label) -> bool:
        """Whether a label changes nothing: it says the same, or somebody has published an old one again."""
        return self.verdict == label.verdict or 0 < label.sequence <= self.sequence


def join(
    label: Label,
    scored: Sequence[ScoredModel],
    known: Known | None,
    source: Position,
    is_kept: bool = False,
    rivals: Mapping[str, str] = MappingProxyType({}),
) -> tuple[JoinOutcome, list[Example]]:
    """What a label means for an event as it was scored, of which a verdict may be known: the outcome, and the
    examples to learn. The label's verdict is the known one from now on, unless it is unmatched. `is_kept`: the event is
    kept for its label, whether or not a model learns; `rivals`: the models' challengers."""
    learners = [model for model in scored if model.policy == label.policy]
    if not learners and not is_kept:
        return "unmatched", []
    confirmed = known is not None and known.is_confirmed_by(label)
    if not confirmed and (label.verdict == "retracted" if known is None else known.stands_against(label)):
        return "duplicate", []
    before = known if known is not None and known.verdict != "retracted" else None
    key, examples = label.identity, []
    said = {model.name: model.score for model in learners}
    for model in learners:
        stands = known is None or known.verdict == "ham"  # else what was presumed has been taken back
        presumed = model.presume if stands and is_presumed(key, model.presume) else 0.0
        verdict: Verdict | None = before.verdict if before else "ham" if presumed else None
        example = Example(
            model=model.name,
            event_id=label.event_id,
            verdict=label.verdict,
            before=verdict,
            score=model.score,
            names=model.names,
            inputs=model.inputs,
            source=source,
            ts_ms=label.ts_ms,
            moderator=label.moderator,
            propensity=label.propensity,
            before_by=before and before.moderator,
            presumed=presumed,
            rival=_rival(rivals.get(model.name), said),
            awaited=Awaited(key, model.event_ms) if model.event_ms is not None else None,
        )
        examples.append(example)
    if label.verdict == "retracted":
        return "retracted", examples
    return ("confirmed" if confirmed else "changed" if before else "matched"), examples


def _rival(challenger: str | None, said: Mapping[str, float | None]) -> Rival | None:
    score = said.get(challenger) if challenger is not None else None
    return (challenger, score) if challenger is not None and score is not None else None


def encode_known(label: Label, times: int = 0, note: bytes = b"") -> str:
    """The verdict that an event has from now on, as it is kept. `note`: of what follows from it."""
    verdict = f"{label.verdict}@{label.sequence}" if label.sequence or times else label.verdict
    verdict = f"{verdict}@{times}" if times else verdict
    verdict = f"{verdict}@{b64encode(note).decode()}" if note else verdict
    return verdict if label.moderator is None else f"{verdict} {label.moderator}"


def decode_known(text: str) -> Known:
    """What `encode_known` wrote."""
    signed, _, moderator = text.partition(" ")
    verdict, *more = signed.split("@")
    sequence, times, note = (*more, *("0", "0", "")[len(more) :])[:3]
    return Known(cast(Verdict, verdict), moderator or None, int(sequence), int(times), b64decode(note))


def with_note(text: str, note: bytes) -> str:
    """What `encode_known` wrote, with another note of what has followed."""
    known = decode_known(text)
    label = Label("", known.verdict, 0, known.moderator, sequence=known.sequence)
    return encode_known(label, known.times, note)
