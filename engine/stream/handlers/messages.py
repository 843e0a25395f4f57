"""Messages on topics: bytes to core types and back (JSON by orjson)."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any

import msgspec
import orjson

from engine.core.domain.decisions import Action, Decision, Hit, Value
from engine.core.domain.events import EARLIEST_MS, LATEST_MS, Event, FieldMapping
from engine.core.kernel import hash_bytes
from engine.core.values.bounds import LEAST, AtLeast
from engine.core.values.identity import MESSAGE
from engine.errors import EventError, RulebookError
from engine.stream.handlers.malformed import read_malformed

Headers = list[tuple[str, bytes]]

VERSION = "version/"
"""What the keys of rulebooks begin with on their topic: each version has its own, so that none is lost."""

PAUSED = "paused/"
"""The same for the rules that do nothing for now, whatever their rulebook says."""

PROMOTED = "promoted/"
"""What the keys of promotions begin with, before the rule's name."""

ENTRY = "list/"
"""What the keys of entries of live lists begin with: list/, the list's name, /, the entry."""

DEAD_LETTER_BYTES = 16_384
"""So much of a message that could not be used is kept: whatever a sender writes, the broker takes the dead letter."""

MAX_DEAD_LETTER_KEY_BYTES = 1_024
_DEAD_LETTER_ERROR_BYTES = 1_000


class Message(msgspec.Struct, frozen=True):
    """Something to publish. `topic` is one of ours, under its configured name."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers | None = None
    partition: int | None = None
    """Where it goes; None leaves that to the key."""


def decode_event(data: bytes | None, mapping: FieldMapping, max_bytes: int, arrived_ms: int | None = None) -> Event:
    """The event in a message that arrived then, even if it is no proper JSON: `invalid_fields` has "message" then.
    Raises EventError with a stable reason."""
    if data is None:
        raise EventError("empty", "the message has no value")
    size_bytes = len(data)
    if size_bytes > max_bytes:
        raise EventError("too_large", f"the message has {size_bytes} bytes, the limit is {max_bytes}")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return mapping.read(read_malformed(data), arrived_ms, size_bytes, hash_bytes(data), (MESSAGE,))
    return mapping.read(document, arrived_ms, size_bytes, hash_bytes(data))


def arrived_ms(line: bytes) -> int | None:
    """When a recorded event arrived, as its file says beside it (`arrived`, epoch ms); None where it does not: then its
    own time is its arrival."""
    if b'"arrived"' not in line:
        return None
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    arrived = document.get("arrived") if type(document) is dict else None
    return arrived if type(arrived) is int and EARLIEST_MS <= arrived <= LATEST_MS else None


def encode_action(action: Action, reveal: Callable[[str], str] = str) -> bytes:
    """An action as JSON. `reveal`: what gives pseudonyms their ids back. Absent: `scope`, `for_ms`, `not_before_ms`,
    `needs`, `area`, `severity` and `tell` where the rule has none, `model` without any, `earlier` when it is false."""
    document: dict[str, Any] = {
        "action_id": action.action_id,
        "ts": action.ts_ms,
        "kind": action.kind,
        "target": {"type": action.target_type, "id": action.target_id},
        "event_id": action.event_id,
        "user_id": action.user_id,
        "rule": action.rule,
        "reason": action.reason,
        "explanation": action.explanation,
        "rulebook": action.rulebook,
    }
    if action.scope is not None:
        document["scope"] = action.scope
    if action.for_ms is not None:
        document["for_ms"] = action.for_ms
    if action.not_before_ms is not None:
        document["not_before_ms"] = action.not_before_ms
    if action.models:
        document["model"] = ",".join(action.models.values())
    if action.earlier:
        document["earlier"] = True
    if action.needs is not None:
        document["needs"] = action.needs
    document.update(action.told)
    if action.tell is not None:
        document["tell"] = action.tell.text(reveal)
    return orjson.dumps(document)


def encode_decision(decision: Decision) -> bytes:
    """A decision as JSON."""
    document: dict[str, Any] = {
        "event_id": decision.event_id,
        "user_id": decision.user_id,
        "ts": decision.ts_ms,
        "type": decision.type,
        "outcome": decision.outcome,
        "hits": [_hit(hit) for hit in decision.hits],
        "scores": decision.scores,
        "rulebook": decision.rulebook,
        "models": decision.models,
    }
    if decision.features:
        document["features"] = decision.features
    if decision.contributions:
        document["contributions"] = {
            model: [[part, logit] for part, logit in parts] for model, parts in decision.contributions.items()
        }
    if decision.earlier:
        document["earlier"] = True
    if decision.members:
        document["clusters"] = decision.members
    if decision.enrichment:
        document["enrichment"] = decision.enrichment
    try:
        return orjson.dumps(document, default=_bound)
    except TypeError:  # a number of more than 64 bits among what a model has read
        document["features"] = {
            model: {name: _plain(value) for name, value in seen.items()} for model, seen in decision.features.items()
        }
        return orjson.dumps(document, default=_bound)


_LONGEST = 1 << 63


def _bound(value: object) -> dict[str, Any]:
    """What JSON has of a number of which a lower bound is known."""
    if not isinstance(value, AtLeast):
        raise TypeError(f"{type(value)} is no value of a decision")
    return {LEAST: value.least}


def _hit(hit: Hit) -> dict[str, Any]:
    clauses = []
    for clause in hit.clauses:
        readings = [*clause.values.values()]
        for reading in readings:
            if type(reading) is int and not -_LONGEST < reading < _LONGEST:
                readings = [_plain(one) for one in readings]
        value = readings[0] if len(readings) == 1 else dict(zip(clause.values, readings, strict=True))
        earned = {"points": clause.points} if clause.points else {}
        clauses.append({"text": clause.text, "value": value, "result": clause.result, **earned})
    document: dict[str, Any] = {"rule": hit.rule, "mode": hit.mode, "effect": hit.effect, "clauses": clauses}
    if hit.counterfactual:
        document["counterfactual"] = hit.counterfactual
    return document


def value_text(value: Any, points: Any = None) -> str:
    """What a clause of a decision has read, for people. `points`: of its scores, the terms that make them."""
    text = ", ".join(f"{name} = {one}" for name, one in value.items()) if isinstance(value, dict) else str(value)
    earned = [f"{term} {each:g}" for terms in (points or {}).values() for term, each in terms.items()]
    return f"{text}: {', '.join(earned)}" if earned else text


def _plain(value: Value) -> Value:
    """JSON has integers of 64 bits here; a product of two may be longer."""
    return float(value) if type(value) is int and abs(value) >= _LONGEST else value


NoteText = Annotated[str, msgspec.Meta(max_length=2_000)]
"""What people say of something that every worker keeps in memory."""


class Pause(msgspec.Struct, frozen=True):
    """Who has paused a rule, or resumed it, when and why."""

    author: NoteText
    note: NoteText
    ts: int


def paused_rule(key: str) -> str | None:
    """The rule that a message of the rulebooks topic pauses or resumes, if it does: there is one key for each rule, so
    that two people who pause two rules in one moment do not undo one another."""
    return key.removeprefix(PAUSED) if key.startswith(PAUSED) else None


def decode_paused(data: bytes) -> Pause | None:
    """Why a rule is paused; None: it is resumed. Raises RulebookError."""
    try:
        return msgspec.json.decode(data, type=Pause | None)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # the second: a text that is not UTF-8
        raise RulebookError(f"this message does not say why a rule is paused: {error}", 1) from error


def note_paused(paused: dict[str, Pause], rule: str, data: bytes) -> None:
    """Keep in a map of paused rules what a message says of one of them. Raises RulebookError."""
    pause = decode_paused(data)
    if pause is None:
        paused.pop(rule, None)
    else:
        paused[rule] = pause


def encode_rulebook(sources: dict[str, str], identity: str, author: str, note: str, ts_ms: int) -> bytes:
    """A rulebook version as JSON: its sources, its id, who pushed it, when and why."""
    return orjson.dumps({"id": identity, "author": author, "note": note, "ts": ts_ms, "sources": sources})


def decode_rulebook(data: bytes) -> dict[str, Any]:
    """What `encode_rulebook` wrote. Raises RulebookError for anything else."""
    try:
        document = orjson.loads(data)
        sources = document["sources"]
        if not all(isinstance(name, str) and isinstance(text, str) for name, text in sources.items()):
            raise TypeError("`sources` maps file names to texts")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RulebookError(f"this message is not a rulebook: {error}", 1) from error
    return dict(document)


def dead_letter(
    topic: str, source: tuple[str, int, int], key: bytes | None, value: bytes | None, reason: str, error: str
) -> Message:
    """A message that could not be used: the beginning of its bytes, at most DEAD_LETTER_BYTES, and in headers where it
    stood, why it was refused, how long it was and its SHA-256. `topic`, `partition` and `offset` find the original."""
    source_topic, partition, offset = source
    whole = value or b""
    headers = [
        ("topic", source_topic.encode()),
        ("partition", str(partition).encode()),
        ("offset", str(offset).encode()),
        ("reason", reason.encode()),
        ("error", error.encode("utf-8", "replace")[:_DEAD_LETTER_ERROR_BYTES]),
        ("length", str(len(whole)).encode()),
        ("sha256", sha256(whole).hexdigest().encode()),
    ]
    kept_key = key[:MAX_DEAD_LETTER_KEY_BYTES] if key is not None else None
    return Message(topic, kept_key, whole[:DEAD_LETTER_BYTES], headers)
