"""What teaches the models, as messages: labels, examples, what is worth a label, commands. Revocations come among the
labels."""

from typing import Any

import msgspec
import orjson

from engine.core.domain.events import EARLIEST_MS, LATEST_MS, Event, epoch_ms
from engine.core.domain.follow_ups import SIGN
from engine.core.values.identity import MAX_ID_CHARS
from engine.errors import EventError, LabelError
from engine.learning.calibrated import Likeness
from engine.learning.label_mapping import LabelMapping
from engine.learning.labels import Example, Label
from engine.learning.review import ReviewCandidate
from engine.learning.scored import ScoredRows
from engine.learning.slices import MOST_SLICED
from engine.learning.sources import MOST_PARTITIONS, is_source
from engine.learning.verdicts import VERDICTS
from engine.stream.handlers.forgiving import Revocation

IN_OUR_TERMS = LabelMapping()
"""How labels are read that nothing has to be done to."""

MODEL_COMMAND = b"@ruling"
"""The key of commands about models among the examples."""


def decode_message(data: bytes | None, mapping: LabelMapping = IN_OUR_TERMS) -> Label | Revocation:
    """What a message of the labels topic says. Raises LabelError with a stable reason."""
    try:
        document = orjson.loads(data or b"")
    except orjson.JSONDecodeError as error:
        raise LabelError("not_json", f"the label is not JSON: {error}") from error
    if not isinstance(document, dict):
        return read_label(document)
    return _read_revocation(document) if "revokes" in document else read_label(mapping.translate(document))


def translate_label(data: bytes, mapping: LabelMapping) -> bytes:
    """A message of the labels topic in our terms. What is in them already, or is no label, stays as it is."""
    if not mapping:
        return data
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return data
    translated = mapping.translate(document) if isinstance(document, dict) else document
    return data if translated is document else orjson.dumps(translated)


def decode_label(data: bytes | None) -> Label:
    """The label in a message. Raises LabelError with a stable reason."""
    decoded = decode_message(data)
    if isinstance(decoded, Revocation):
        raise LabelError("not_a_label", "this is a revocation")
    return decoded


def encode_revocation(revocation: Revocation) -> bytes:
    """A revocation as JSON."""
    return orjson.dumps({"revokes": revocation.action_id, "user_id": revocation.user_id, "ts": revocation.ts_ms})


def _read_revocation(document: dict[str, Any]) -> Revocation:
    action_id, user_id = _name(document, "revokes"), _name(document, "user_id")
    if action_id is None or user_id is None:
        raise LabelError("missing_field", "a revocation has `revokes`, an action's id, and `user_id`, its event's user")
    return Revocation(action_id, user_id, _time(document))


def read_label(document: object) -> Label:
    """The label in a decoded document: event_id or action_id, label (spam, ham, retracted), ts as in events,
    moderator?, and the event's user_id? and type?, which tell events with the same id apart."""
    if not isinstance(document, dict):
        raise LabelError("not_an_object", "a label is a JSON object")
    event_id, action_id, verdict = document.get("event_id"), document.get("action_id"), document.get("label")
    moderator = document.get("moderator")
    if event_id is None and isinstance(action_id, str) and action_id:
        event_id = ""  # to be looked up
    elif not isinstance(event_id, str) or not event_id:
        raise LabelError("missing_field", "`event_id` or `action_id` must be a string")
    if verdict not in VERDICTS:
        raise LabelError("wrong_type", f"`label` must be one of {', '.join(VERDICTS)}")
    ts_ms = _time(document)
    propensity = document.get("propensity", 1.0)
    if type(propensity) not in (int, float) or not 0 < propensity <= 1:
        raise LabelError("wrong_type", "`propensity` is a number above 0, at most 1")
    policy = document.get("policy")
    if policy is not None and (not isinstance(policy, str) or not policy or policy.startswith(SIGN)):
        raise LabelError("wrong_type", "`policy` is the name of a policy, as a model's `labels` has it")
    if moderator is not None and not (isinstance(moderator, str) and 0 < len(moderator) <= MAX_ID_CHARS):
        raise LabelError("wrong_type", f"`moderator` is a name: a text of at most {MAX_ID_CHARS} characters")
    return Label(
        event_id, verdict, ts_ms, moderator, float(propensity), policy, None if event_id else action_id,
        _name(document, "user_id"), _name(document, "type"),
    )  # fmt: skip


def _time(document: dict[str, Any]) -> int:
    try:
        ts_ms = epoch_ms(document.get("ts"), "auto")
    except EventError as error:
        raise LabelError(error.reason, str(error)) from error
    if not EARLIEST_MS <= ts_ms <= LATEST_MS:
        problem = f"`ts` {document.get('ts')!r} is {ts_ms} ms since 1970, outside {EARLIEST_MS} to {LATEST_MS}"
        raise LabelError("absurd_timestamp", f"{problem}; labels have epoch milliseconds or ISO 8601, not seconds")
    return ts_ms


def _name(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS):
        raise LabelError("wrong_type", f"`{name}` is that of the event: a text of at most {MAX_ID_CHARS} characters")
    return value


_OFFSETS = 1 << 48
"""Partitions do not become longer."""


def encode_example(example: Example) -> bytes:
    """An example as JSON: what the model read, and the verdict."""
    return msgspec.json.encode(example)


def decode_example(data: bytes, partitions: int = MOST_PARTITIONS) -> Example:
    """What `encode_example` wrote. Raises LabelError for anything else, and where it comes from none of so many
    partitions: the trainer keeps something for each."""
    try:
        example = msgspec.json.decode(data, type=Example)
    except (msgspec.MsgspecError, ValueError) as error:
        raise LabelError("not_an_example", f"this is not an example: {error}") from error
    for source, offset in (example.source, *([example.answered] if example.answered is not None else [])):
        if not (is_source(source, partitions) and 0 <= offset < _OFFSETS):
            raise LabelError("not_an_example", f"an example cannot come from {source}, {offset}")
    names, (texts, categories, numbers) = example.names, example.inputs
    sliced = len(names.sliced_by)
    named = (len(names.texts), len(names.categories) + sliced, len(names.numbers))
    if named != (len(texts), len(categories), len(numbers)) or sliced > MOST_SLICED:
        raise LabelError("not_an_example", "an example has a value for each of its names")
    return example


def encode_review(event: Event, rows: ScoredRows, candidate: ReviewCandidate) -> bytes:
    """An event to be labelled as JSON. `propensity` is to come back with its label."""
    inputs = rows.inputs(candidate.row)
    names = (*rows.names.texts, *rows.names.categories, *rows.names.sliced_by)
    read = dict(zip(names, (*inputs.texts, *inputs.categories), strict=True))
    document = {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "ts": event.ts_ms,
        "type": event.type,
        "model": rows.version,
        "score": candidate.score,
        "why": candidate.why,
        "propensity": round(candidate.propensity, 6),
        "inputs": {**read, **dict(zip(rows.names.numbers, inputs.numbers, strict=True))},
    }
    return orjson.dumps(document)


def encode_score(event: Event, model: str, version: str, score: float, likeness: Likeness | None) -> bytes:
    """What a model says of an event as JSON."""
    document = {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "ts": event.ts_ms,
        "type": event.type,
        "model": model,
        "version": version,
        "score": round(score, 6),
    }
    if likeness is not None:
        document["calibration"] = likeness._asdict()
    return orjson.dumps(document)


class Quarantine(msgspec.Struct, frozen=True, tag="quarantine"):
    """Whether a moderator's labels count, from the first to the last."""

    moderator: str
    quarantined: bool


class Restore(msgspec.Struct, frozen=True, tag="restore"):
    """A model goes on from its seed. `number`: the publication's that brings it."""

    model: str
    number: int
    pinned: bool = False


class Pin(msgspec.Struct, frozen=True, tag="pin"):
    """Whether a model stays as it is."""

    model: str
    pinned: bool


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """Whether a model's challenger stands in its place."""

    model: str
    promoted: bool


ModelCommand = Quarantine | Restore | Pin | Promote
"""What people decide about the models, at a place among the examples."""


def decode_model_command(data: bytes | None) -> ModelCommand:
    """A model command on the examples topic. Raises LabelError for anything else."""
    try:
        return msgspec.json.decode(data or b"", type=ModelCommand)  # type: ignore[no-any-return]  # a union
    except (msgspec.MsgspecError, ValueError) as error:
        raise LabelError("not_a_model_command", f"this is not a model command: {error}") from error
