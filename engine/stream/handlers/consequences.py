"""What has followed from an action, until the action is revoked: then it is taken out of the counters again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from engine.core.domain.decisions import Action
from engine.core.domain.follow_ups import hit_type, is_of_action
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.kernel import hash64
from engine.state.scored import Change, action_name, consequence_name
from engine.stream.handlers.batches import StateOutcome
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.hop_messages import Hop

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[FollowUp]).decode


def keep_consequences(outcome: StateOutcome, actions: Sequence[Action], follow_ups: Sequence[FollowUp]) -> None:
    """Note what follows from these actions of one decision. A rule's hit goes with the first of its actions."""
    assert outcome.state is not None
    rules: set[str] = set()
    for action in actions:
        own = [follow_up for follow_up in follow_ups if _belongs(follow_up, action, action.rule not in rules)]
        rules.add(action.rule)
        if own:
            outcome.keep_scored([outcome.state.scored.put_consequence(action.action_id, _encode(own))])


def _belongs(follow_up: FollowUp, action: Action, is_first: bool) -> bool:
    if is_of_action(follow_up.type):
        return follow_up.content == hash64(action.action_id)
    return is_first and follow_up.type == hit_type(action.rule, is_shadow=False)


def withdraw_consequences(
    outcome: StateOutcome, revocations: Iterable[tuple[Any, Revocation]]
) -> Iterator[tuple[Any, list[Hop]]]:
    """The follow-ups that take back what followed from revoked actions, by the record of the revocation. What is not
    noted here was in no counter, or is in another partition."""
    state, taken_back = outcome.state, list[Change]()
    assert state is not None
    revoked = {revocation.action_id: record for record, revocation in revocations}
    for action_id, value in state.consequences(revoked).items():
        try:
            follow_ups = _decode(value)
        except (msgspec.MsgspecError, ValueError):
            continue
        for follow_up in follow_ups:
            follow_up.withdrawn, follow_up.content = True, hash64(f"{follow_up.content} withdrawn")
        taken_back.append(state.scored.drop_verdict(consequence_name(action_name(action_id))))
        yield revoked[action_id], list[Hop](follow_ups)
    outcome.keep_scored(taken_back)
