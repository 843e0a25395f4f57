"""A person is forgotten: what a worker does with one request, in its place among the hops.

The request names the keys of the state that is about the person, as `search.py` found them in the changelog: the
worker that owns the partition is the only one that may write there. It looks again at each, so a request that comes
twice, or late, does no harm.
"""

from typing import final

import msgspec
import structlog

from engine.core.domain.kinds import is_pair, parts_of
from engine.core.domain.rules import TARGET, USER
from engine.core.evaluation.routing import PART_SEPARATOR, escaped
from engine.core.kernel import hash64
from engine.errors import StateError
from engine.learning.scored import kept
from engine.state.noted import MEETING, UNSCORED
from engine.state.scored import ACTION, BLOCK, CONSEQUENCE, REPLY, STRIKE, VERDICT, is_kept
from engine.state.store import ENTITY, PartitionState, user_record_key
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.handlers import kept_events, outcomes
from engine.stream.handlers.batches import StateOutcome

_log = structlog.stdlib.get_logger("floodgate")


@final
class Forget(msgspec.Struct, array_like=True, frozen=True, tag_field="tag", tag="forget"):
    """Forget a user. `keys`: of records, blocks, verdicts, timers and what is noted of outcomes in this partition."""

    user_id: str
    keys: list[bytes]


def forget(state: PartitionState, request: Forget, outcome: StateOutcome) -> None:
    """Add to an outcome what forgets a user. Records that are about the user alone go; others lose what names him. What
    cannot be read stays: a request never stops a partition."""
    for key in request.keys:
        if key.startswith(BLOCK):
            leave_out = kept_events.without if is_kept(key) else kept
            outcome.keep_scored([state.drop_scored(key, hash64(request.user_id), leave_out)])
        elif key.startswith((VERDICT, ACTION, STRIKE, CONSEQUENCE, REPLY)):
            outcome.keep_scored([state.scored.drop_verdict(key)])
        elif key.startswith((TIMER, MEETING_TIMER)):
            outcome.keep_timers([state.timers_of(key).drop(key)])
        elif key.startswith(MEETING):
            (value,) = state.noted.get([key])
            left = outcomes.without(value, request.user_id) if value is not None else None
            outcome.keep_noted([state.noted.put(key, left)])
        elif key.startswith(UNSCORED):
            outcome.keep_noted([state.noted.put(key, None)])
        elif is_about(key, request.user_id):
            outcome.records[key] = state.renew(key)
        elif key.startswith(ENTITY):
            try:
                record = state.load([key])[key]
            except StateError as error:
                _log.error("a record that names someone to be forgotten cannot be read", key=key, error=str(error))
                continue
            record.forget(request.user_id)
            outcome.records[key] = record


def is_about(key: bytes, user_id: str) -> bool:
    """Whether a record belongs to a user: his own, that of what is aimed at him, or that of a pair with him. A domain
    or a text that is spelt like him is not his."""
    if not key.startswith(ENTITY):
        return key == user_record_key(user_id)
    kinds, _, names = key.removeprefix(ENTITY).decode("utf-8", "replace").partition("\x00")
    is_person = [kind in (USER, TARGET, f"event.{USER}", f"event.{TARGET}") for kind in parts_of(kinds)]
    if is_pair(kinds):  # in no order
        is_person = [any(is_person)] * len(is_person)
    named = zip(is_person, names.split(PART_SEPARATOR), strict=False)
    return any(is_his and name == escaped(user_id) for is_his, name in named)
