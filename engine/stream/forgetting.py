"""A person is forgotten: what a worker does with one request, in its place among the hops.

The request names the keys of the state that is about the person, as `search.py` found them in the changelog: the
worker that owns the partition is the only one that may write there. It looks again at each, so a request that comes
twice, or late, does no harm.
"""

import msgspec

from engine.core.journeys import PART_SEPARATOR
from engine.core.rules import TARGET, USER
from engine.learning.scored import kept
from engine.state.scored import PIECE, VERDICT
from engine.state.store import ENTITY, PartitionState, user_key
from engine.stream.handlers import StateOutcome


class Forget(msgspec.Struct, array_like=True, frozen=True, tag_field="tag", tag="forget"):
    """Forget a user. `keys`: of records, pieces and verdicts in this partition; `events`: hashes of the user's."""

    user_id: str
    keys: list[bytes]
    events: list[int]


def forget(state: PartitionState, request: Forget, outcome: StateOutcome) -> None:
    """Add to an outcome what forgets a user. Records that are about the user alone go; others lose what names him."""
    for key in request.keys:
        if key.startswith(PIECE):
            outcome.keep_scored([state.drop_scored(key, request.events, kept)])
        elif key.startswith(VERDICT):
            outcome.keep_scored([state.scored.drop_verdict(key)])
        elif is_about(key, request.user_id):
            outcome.records[key] = state.renew(key)
        elif key.startswith(ENTITY):
            record = state.load([key])[key]
            record.forget(request.user_id)
            outcome.records[key] = record


def is_about(key: bytes, user_id: str) -> bool:
    """Whether a record belongs to a user: his own, that of what is aimed at him, or that of a pair with him. A domain
    or a text that is spelt like him is not his."""
    if not key.startswith(ENTITY):
        return key == user_key(user_id)
    kinds, _, names = key.removeprefix(ENTITY).decode("utf-8", "replace").partition("\x00")
    parts = zip(kinds.split("+"), names.split(PART_SEPARATOR), strict=False)
    return any(kind in (USER, TARGET) and name == user_id for kind, name in parts)
