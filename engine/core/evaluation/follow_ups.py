"""Makes follow-ups of what came of an event, for those who ask about such.

A follow-up travels to its user's partition as a message of its own, and from there to the entities that the event
named. So what has become of an event counts after its decision, never in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from engine.core.domain.decisions import Action
from engine.core.domain.events import Event
from engine.core.domain.follow_ups import ANY_ACTION, action_type
from engine.core.domain.kinds import RESTING
from engine.core.domain.programs import Fields, FollowUps, Invalid
from engine.core.evaluation.routing import (
    MAX_ENTITIES,
    NOWHERE,
    EntityKey,
    Hash64,
    Id,
    Key,
    Travelling,
)
from engine.core.kernel import hash64, identity_of, lookup
from engine.core.values.identity import CLOCK_SKEW, INVALID_FIELDS

_MOST_CHARS: Final = 1_024
_MOST_ITEMS: Final = 16
"""Of a text and of a list: more of an event does not wait for what becomes of it."""

_SCALARS = (str, int, float, bool)


class FollowUp(Travelling, array_like=True, tag_field="tag", tag="follow_up"):
    """An event that is about what became of another, whose ids it has. `keys`: the entities that this one named, as far
    as follow-ups go to them; `withdrawn`: what it says is no longer so, and is taken out of the counters."""

    keys: Annotated[list[tuple[Id, Key]], msgspec.Meta(max_length=MAX_ENTITIES)]
    content: Hash64
    withdrawn: bool = False

    @property
    def number(self) -> Hash64:
        """Tells it from all others; what takes it back has the same."""
        return hash64(f"{identity_of(self.user_id, self.type, self.event_id):016x} {self.content:x}")

    def event(self) -> Event:
        """It as an event. No model reads it."""
        return Event(self.event_id, self.type, self.user_id, self.ts_ms, self.fields, self.content, place=0)

    def entity_keys(self, kinds: Mapping[str, object]) -> list[EntityKey]:
        """The entities of these kinds, in their order. What is withdrawn has nothing to do where rules rest."""
        asked = [kind for kind in kinds if not (self.withdrawn and kind.startswith(RESTING))]
        return [(kind, key) for kind in asked for named, key in self.keys if named == kind]


def follow_ups_of(
    asked: FollowUps, event: Event, keys: list[EntityKey], user_partition: int, hits: Sequence[str],
    actions: Sequence[Action],
) -> list[FollowUp]:  # fmt: skip
    """Those of one decision that something asks about: of its new hits, which have these types, and of its actions."""
    follow_ups = []
    for kind, content in _happened(event, hits, actions):
        if kind in asked.types:
            fields = taken_along(asked.types[kind], event.fields, asked.invalid)
            about = (event.event_id, kind, event.user_id, event.ts_ms)
            follow_ups.append(FollowUp(NOWHERE, *about, user_partition, fields, keys, content))
    return follow_ups


def taken_along(paths: Sequence[str], fields: Fields, invalid: Invalid | None = None) -> Fields:
    """What of an event's fields stands at these paths, by path. `invalid` tells which fields are not what they should
    be, as long as all of them are there."""
    taken: Fields = {}
    for path in paths:
        value = lookup(fields, path)
        if value is not None:
            taken[path] = value
    if CLOCK_SKEW in paths:  # None is unknown there, nothing is no skew
        taken[CLOCK_SKEW] = fields.get(CLOCK_SKEW, 0)
    if invalid is not None and INVALID_FIELDS in paths:
        taken[INVALID_FIELDS] = invalid(fields)
    return taken


def bounded(fields: Fields) -> Fields:
    """What of these fields waits in the state: texts are cut, lists too. Of what is nested nothing is left
    but that it is there, and cannot be read."""
    kept = {path: _short(value) for path, value in fields.items()}
    return {path: value for path, value in kept.items() if value is not None or path == CLOCK_SKEW}


def _short(value: Any) -> Any:
    if type(value) is str:
        return value[:_MOST_CHARS]
    if type(value) is list:
        return [{} if isinstance(item, list) else _short(item) for item in value[:_MOST_ITEMS] if item is not None]
    return {} if isinstance(value, dict) else value if type(value) in _SCALARS else None


def _happened(event: Event, hits: Sequence[str], actions: Sequence[Action]) -> Iterator[tuple[str, int]]:
    """Types of follow-ups, each with what tells it from others of its event."""
    for kind in hits:
        yield kind, event.content
    for action in actions:
        yield action_type(action.kind), hash64(action.action_id)
        yield ANY_ACTION, hash64(action.action_id)
