"""What rules do, as a rulebook says it: an action before anybody is met, and the ladders that lead to some."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.core.domain.tells import Tell

Keys = Callable[[dict[str, Any]], tuple[str, ...]]
"""The keys of one kind that an event's fields name, such as its domains."""


@dataclass(frozen=True, slots=True)
class ActionTemplate:
    """An action of a rule, or of a step. `target`: "user", "event", or the field that names it, found at `path`.

    `lookback_ms`: also act on those who were there so long before the threshold was crossed; `tell`: what the user may
    be told of it, in place of what the rule says; `keys`: gives the entities of an event, where it may name several;
    `most`: how many entries of the rule stand in the list at once to which it adds.
    """

    kind: str
    scope: str | None
    for_ms: int | None
    target: str
    path: str
    lookback_ms: int | None = None
    needs: str | None = None
    tell: Tell | None = None
    keys: Keys | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is done to users whom rules meet again and again. A strike counts for `decay_ms`; `steps`: from how many
    strikes on which action, ascending; `key`: of their series in a user's record."""

    name: str
    key: int
    decay_ms: int
    steps: tuple[tuple[int, ActionTemplate], ...]

    def step(self, strikes: int) -> ActionTemplate | None:
        """The highest step that so many strikes reach."""
        return next((then for at, then in reversed(self.steps) if strikes >= at), None)
