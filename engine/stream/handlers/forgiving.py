"""A revoked action is no strike: what a worker does with revocations, in their place among the labels.

Labels wait for the events that were there before them, so a revocation finds the strike of its action. It takes that
out of the user's record, and then the note of it, so what comes again finds nothing to take back.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine.core.state.strikes import forgive
from engine.errors import StateError
from engine.state.scored import Change, action_name, strike_name
from engine.state.store import user_record_key
from engine.stream.handlers.batches import Rejector, StateOutcome, dump_records

Names = Callable[[str], list[str]]
"""Gives the names under which a user may be known in the state."""


class Revocation(NamedTuple):
    """An action on an event of this user is taken back, at this time."""

    action_id: str
    user_id: str
    ts_ms: int


def forgive_strikes(
    outcome: StateOutcome, revocations: Sequence[tuple[Any, Revocation]], names: Names, rejector: Rejector
) -> int:
    """Add to an outcome what takes back the strikes of revoked actions; returns how many. Revocations come with their
    records."""
    state = outcome.state
    assert state is not None
    strikes = state.strikes({revocation.action_id for _, revocation in revocations})
    forgiven: list[Change] = []
    touched: list[tuple[bytes, Any]] = []
    for record, revocation in revocations:
        strike = strikes.get(revocation.action_id)
        if strike is None:
            continue  # it was none, is forgiven, or is in another partition
        keys = [user_record_key(name) for name in names(revocation.user_id)]
        try:
            users = state.load(dict.fromkeys(keys))
        except StateError as error:
            rejector.reject(outcome, record, "unreadable_state", error)
            continue
        for key, user in users.items():
            if forgive(user, strike):
                outcome.records[key] = user
                touched.append((key, record))
        del strikes[revocation.action_id]
        forgiven.append(state.scored.drop_verdict(strike_name(action_name(revocation.action_id))))
    dump_records(outcome, touched, rejector)
    outcome.keep_scored(forgiven)  # behind the records: should only one of them become durable, it is done again
    return len(forgiven)
