"""Moderators' labels, and their join with the features as they were scored.

Nothing is recomputed: what a model learns from is what it saw when it scored the event. The outcomes
of a join, each counted:

    matched     the first verdict on a scored event        → an example
    changed     a later, different verdict                  → an example with the new verdict
    duplicate   the verdict that is known already           → nothing
    retracted   the verdict is taken back                   → remembered; nothing is unlearned yet
    unmatched   the event was never scored, or is forgotten → nothing
"""

import struct
from dataclasses import dataclass
from typing import Literal

from engine.errors import StateError

Verdict = Literal["spam", "ham", "retracted"]
JoinOutcome = Literal["matched", "changed", "duplicate", "retracted", "unmatched"]

VERDICTS: tuple[Verdict, ...] = ("spam", "ham", "retracted")
_CODES: dict[str, int] = {"spam": 1, "ham": 2, "retracted": 3}
_VERSION = 1
_HEAD = struct.Struct("<BBB")
_MODEL = struct.Struct("<BdH")
_NO_SCORE = -1.0


@dataclass(frozen=True, slots=True)
class Label:
    """A moderator's verdict on an event, and when it was given."""

    event_id: str
    verdict: Verdict
    ts_ms: int
    moderator: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What one model saw and said: its score (None = unknown) and the encoded features."""

    name: str
    score: float | None
    features: bytes


@dataclass(frozen=True, slots=True)
class ScoredEvent:
    """What is kept of a scored event until its label comes."""

    models: tuple[ScoredModel, ...]
    verdict: int = 0

    def encode(self) -> bytes:
        """For the state."""
        parts = [_HEAD.pack(_VERSION, self.verdict, len(self.models))]
        for model in self.models:
            name = model.name.encode()
            score = _NO_SCORE if model.score is None else model.score
            parts += [_MODEL.pack(len(name), score, len(model.features)), name, model.features]
        return b"".join(parts)


def decode_scored(data: bytes) -> ScoredEvent:
    """What `ScoredEvent.encode` wrote. Raises StateError for anything else."""
    try:
        version, verdict, count = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise ValueError(f"its format is version {version}, this engine reads version {_VERSION}")
        at, models = _HEAD.size, []
        for _ in range(count):
            name_length, score, length = _MODEL.unpack_from(data, at)
            at += _MODEL.size
            end = at + name_length + length
            if end > len(data):
                raise ValueError("it ends too early")
            name = data[at : at + name_length].decode()
            models.append(ScoredModel(name, None if score < 0 else score, data[at + name_length : end]))
            at = end
    except (struct.error, ValueError) as error:
        raise StateError(f"a stored scored event cannot be read: {error}") from error
    return ScoredEvent(tuple(models), verdict)


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
    label: Label, stored: bytes | None, source: tuple[int, int]
) -> tuple[JoinOutcome, bytes | None, list[Example]]:
    """What a label means for a scored event: the outcome, the event's new stored form, the examples."""
    if stored is None:
        return "unmatched", None, []
    event = decode_scored(stored)
    code = _CODES[label.verdict]
    if event.verdict == code:
        return "duplicate", None, []
    renewed = ScoredEvent(event.models, code).encode()
    if label.verdict == "retracted":
        return "retracted", renewed, []
    examples = [
        Example(model.name, label.event_id, label.verdict == "spam", model.score, model.features, source)
        for model in event.models
    ]
    return ("changed" if event.verdict else "matched"), renewed, examples
