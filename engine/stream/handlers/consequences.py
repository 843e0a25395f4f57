"""What has followed from an action or a label is noted until that is taken back: then it goes out of counters again.

The note has the follow-ups as they were sent: by then another event may have the same id, or rules say something else.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from engine.core.domain.decisions import Action
from engine.core.domain.follow_ups import hit_type, is_of_action, is_withdrawn
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.kernel import hash64
from engine.state.scored import Change, action_name, consequence_name, judged_name
from engine.state.store import PartitionState
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.hop_messages import Hop
from engine.stream.handlers.outcomes import Place

encode_note = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[FollowUp]).decode
_decode_said = msgspec.msgpack.Decoder(list[str]).decode


def taken_back(note: bytes) -> list[FollowUp]:
    """What takes noted follow-ups back; nothing of a note that is empty, or cannot be read."""
    try:
        follow_ups = _decode(note) if note else []
    except (msgspec.MsgspecError, ValueError):
        return []
    for follow_up in follow_ups:
        follow_up.withdrawn = True
    return follow_ups


def placed(note: bytes, place: Place) -> tuple[bytes, str | None]:
    """Noted follow-ups, whose user is in another partition from now on; and who that is, where it can be read."""
    try:
        follow_ups = _decode(note) if note else []
    except (msgspec.MsgspecError, ValueError):
        follow_ups = []
    for follow_up in follow_ups:
        follow_up.user_partition = place(follow_up.user_id, follow_up.user_partition)
    return (encode_note(follow_ups), follow_ups[0].user_id) if follow_ups else (note, None)


def note_said(outcome: StateOutcome, follow_up: FollowUp, said: Sequence[str]) -> None:
    """Note by which conditions of counters a follow-up has entered these, if it may be taken back. The note stays until
    it is old: a batch that is repeated in part finds it again."""
    if said and is_withdrawn(follow_up.type) and not follow_up.withdrawn:
        assert outcome.state is not None
        outcome.keep_scored([outcome.state.scored.put_note(judged_name(follow_up.number), encode_note(said))])


def said_of(state: PartitionState, follow_up: FollowUp) -> list[str]:
    """By which conditions it had entered that is taken back now."""
    note = state.notes([judged_name(follow_up.number)])
    try:
        return _decode_said(next(iter(note.values()))) if note else []
    except (msgspec.MsgspecError, ValueError):
        return []


def keep_consequences(outcome: StateOutcome, actions: Sequence[Action], follow_ups: Sequence[FollowUp]) -> None:
    """Note what follows from these actions of one decision. A rule's hit goes with the first of its actions."""
    assert outcome.state is not None
    rules: set[str] = set()
    for action in actions:
        own = [follow_up for follow_up in follow_ups if _belongs(follow_up, action, action.rule not in rules)]
        rules.add(action.rule)
        if own:
            outcome.keep_scored([outcome.state.scored.put_note(_name(action.action_id), encode_note(own))])


def _belongs(follow_up: FollowUp, action: Action, is_first: bool) -> bool:
    if is_of_action(follow_up.type):
        return follow_up.content == hash64(action.action_id)
    return is_first and follow_up.type == hit_type(action.rule, is_shadow=False)


def withdraw_consequences(
    outcome: StateOutcome, revocations: Iterable[tuple[Any, Revocation]]
) -> Iterator[tuple[Any, list[Hop]]]:
    """The follow-ups that take back what followed from revoked actions, by the record of the revocation. What is not
    noted here was in no counter, or is in another partition."""
    state, gone = outcome.state, list[Change]()
    assert state is not None
    revoked = {_name(revocation.action_id): record for record, revocation in revocations}
    for name, note in state.notes(revoked).items():
        gone.append(state.scored.drop_verdict(name))
        yield revoked[name], list[Hop](taken_back(note))
    outcome.keep_scored(gone)


def _name(action_id: str) -> bytes:
    return consequence_name(action_name(action_id))
