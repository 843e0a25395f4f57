"""What may come of an event later: which events are waited for, of which entity, and how long."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from engine.core.domain.follow_ups import SIGN
from engine.core.domain.kinds import is_pair, parts_of

Otherwise = Literal["no", "unknown"]

_USER: Final = "user_id"

FindKeys = Callable[[dict[str, Any]], tuple[str, ...]]
"""Which entities of a kind an event's fields name."""

ReadValue = Callable[[dict[str, Any]], bool | None]
"""What an event says where it is waited for; None = it does not tell."""


def outcome_policy(name: str) -> str:
    """The policy under which an outcome is a label. No label that somebody gives may have one of these."""
    return f"{SIGN}outcome.{name}"


@dataclass(frozen=True, slots=True)
class OutcomeSpec:
    """One outcome. It is known when something comes later than `from_ms` and no later than `until_ms` after an event;
    when nothing does, it is `otherwise`. `key`: stands for all that it says; `kind`: of entity at which the events
    meet; `after_key` and `is_key`: the user's series of either, which bound what a user can have kept."""

    name: str
    key: int
    kind: str
    from_ms: int
    until_ms: int
    otherwise: Otherwise
    after_key: int
    is_key: int

    @property
    def is_at_user(self) -> bool:
        """Whether the events that meet are one user's, so that all of them are in one partition."""
        return _USER in parts_of(self.kind) and not is_pair(self.kind)


class OutcomeStep(NamedTuple):
    """What events of one type are to an outcome: it may come of them, or they are what comes. `keys`: where they meet;
    `value`: what they say, where coming alone is not a yes."""

    outcome: OutcomeSpec
    opens: bool
    answers: bool
    keys: FindKeys
    value: ReadValue | None
