"""Counting over what belongs to no single user: an event is routed to its entities and back.

An address, a domain or a text is owned by one partition, as a user is. An event whose rules count over
such entities is repartitioned for each: from its user to each entity in turn, in the order of their kinds, and back
to its user, where it is decided. It carries the list of those keys with it (a routing slip). At each of them it is
entered into the entity's series and takes the counters' values along. What happens there depends on the entity's
record alone, so it does not matter whether the entities lie on one worker or on many.

Those who came first are not forgotten. A rule with a lookback leaves a note at the entity for each event
that it would have acted on, had there been more of them. When the entity's counters cross the threshold,
the notes become retroactive matches, which go to their users and are enforced there. Whether an event is acted on
at once or retroactively depends on the order of arrival; whether it is acted on at all does not, for clauses
that more events can only make true.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product
from math import prod
from typing import Annotated, Literal

import msgspec

from engine.core.domain.counters import Counter
from engine.core.domain.decisions import Contribution, Hit, Value, ordinal
from engine.core.domain.events import EARLIEST_MS, LATEST_MS, MAX_CLOCK_TOLERANCE_MS, Event
from engine.core.domain.kinds import is_pair, parts_of
from engine.core.domain.programs import EntityProgram, Fields
from engine.core.domain.rules import USER
from engine.core.domain.units import duration_text
from engine.core.evaluation.choice import chosen
from engine.core.kernel import identity_of
from engine.core.state.clusters import ClusterTrace
from engine.core.values.identity import CLOCK_SKEW, EVENT_TIME

MAX_COMBINATIONS = 256
"""So many at least that any two entities of two kinds occur together in one: an event names 16 of a kind at most."""
MAX_ENTITIES = 512
MAX_CONCEALED_CHARS = 2_048
"""Ids have up to 256 characters, and their pseudonyms more."""

PART_SEPARATOR = "\x1f"
"""Stands between the parts of a pair's key; in them it is escaped (`joined`), as ids may have it."""

_ESCAPE = "\x1e"

EntityKey = tuple[str, str]
"""An entity: its kind, such as "url_domain", and its key, such as "x.io"."""


def joined(parts: Iterable[str]) -> str:
    """The key of what has these parts: another one for other parts, whatever is in them."""
    return PART_SEPARATOR.join(map(escaped, parts))


def escaped(part: str) -> str:
    """A part as it stands in a key."""
    if PART_SEPARATOR not in part and _ESCAPE not in part:
        return part
    return part.replace(_ESCAPE, f"{_ESCAPE}0").replace(PART_SEPARATOR, f"{_ESCAPE}1")


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CONCEALED_CHARS)]
Time = Annotated[int, msgspec.Meta(ge=EARLIEST_MS, le=LATEST_MS + MAX_CLOCK_TOLERANCE_MS)]
Partition = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]
Key = Annotated[str, msgspec.Meta(max_length=4 * MAX_CONCEALED_CHARS)]
Hash64 = Annotated[int, msgspec.Meta(ge=0)]
"""MessagePack has no larger number than one of 64 bits."""


SourceTopic = Literal[0, 1, 3]


class Origin(msgspec.Struct, array_like=True, frozen=True):
    """Which message of a source partition something came as. `topic`: 0 events, 1 hops, 3 labels; `number` rises with
    every message from one partition."""

    topic: SourceTopic
    partition: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
    number: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


NOWHERE = Origin(0, 0, 0)
"""Of what has not been sent."""


class Travelling(msgspec.Struct, array_like=True):
    """What all that goes on from an event begins with. `origin`: the message that it is in; `event_id`, `user_id`: of
    that event; `fields`: what is needed of it further on."""

    origin: Origin
    event_id: Id
    type: Id
    user_id: Id
    ts_ms: Time
    user_partition: Partition
    fields: dict[str, object]


class RoutedEvent(Travelling, array_like=True, tag_field="tag", tag="journey"):
    """An event on its way to its entities and back to `user_partition`, where its user is; as it is sent, too.

    `fields`: what the entities and the decision need of the event; `values`: the user's counters and scores as they
    were at its arrival; `answers`: of each entity so far, the counters' values; `allowed`: an allow rule has held
    already; `eligible`: rules that look back, or rest, at an entity and
    that would act, and on which target; `resting`: those of them that rest wherever they hold; `hits`: what has
    been decided already; `clusters`: what it has learned of each; `members`: those of its clusters; `content`,
    `identity`: as its event's; `follow_keys`: the entities that its follow-ups go to; `withdrawn`: as its follow-up's;
    what the decision at its user was made by is in `scores`, `features` and
    `contributions`.
    """

    entity_keys: Annotated[list[tuple[Id, Key]], msgspec.Meta(max_length=MAX_ENTITIES)]
    values: dict[str, Value]
    models: dict[str, str]
    allowed: bool
    eligible: dict[str, Id]
    hits: tuple[Hit, ...]
    answers: Annotated[list[dict[str, Value]], msgspec.Meta(max_length=MAX_ENTITIES)]
    clusters: dict[str, ClusterTrace]
    members: dict[str, list[str]]
    content: Hash64
    scores: dict[str, float] = {}
    features: dict[str, dict[str, float | None]] = {}
    contributions: dict[str, list[Contribution]] = {}
    resting: dict[str, bool] = {}
    identity: Hash64 = 0
    follow_keys: Annotated[list[tuple[Id, Key]], msgspec.Meta(max_length=MAX_ENTITIES)] = []
    withdrawn: bool = False

    def next_entity(self) -> EntityKey | None:
        """The entity to visit now; None when it is back at its user."""
        at, entity_keys = len(self.answers), self.entity_keys
        return entity_keys[at] if at < len(entity_keys) else None

    def identify(self) -> int:
        """As its event's; computed once."""
        if not self.identity:
            self.identity = identity_of(self.user_id, self.type, self.event_id)
        return self.identity

    def event(self) -> Event:
        """The event, with the fields that it has carried."""
        return Event(
            self.event_id, self.type, self.user_id, self.ts_ms, self.fields, self.content,
            identity=self.identity or self.identify(),
        )  # fmt: skip

    def readings(self) -> list[dict[str, Value]]:
        """All values by name. An event that names several entities of a kind has one reading for each, and
        each combination; of very many, any two entities of up to three kinds occur together in at least one."""
        if len(self.entity_keys) == 1:  # the usual case
            return [self.values | self.answers[0]] if self.answers else [self.values]
        kinds: dict[str, list[dict[str, Value]]] = {}
        for (kind, _), values in zip(self.entity_keys, self.answers, strict=False):
            kinds.setdefault(kind, []).append(values)
        if len(kinds) == len(self.answers):  # one entity of each
            return [_merged(self.values, self.answers)]
        return _all_merged(self.values, kinds.values())


def _all_merged(values: dict[str, Value], answers: Iterable[list[dict[str, Value]]]) -> list[dict[str, Value]]:
    """A reading for each combination of one answer of each kind."""
    by_kind = [[answer for answer in of_kind if answer] or [{}] for of_kind in answers]
    return [_merged(values, combined) for combined in _combinations(by_kind)]


def _merged(values: dict[str, Value], answers: Iterable[dict[str, Value]]) -> dict[str, Value]:
    """One reading: what was read at the user, and what entities have answered."""
    reading = dict(values)
    for answer in answers:
        reading |= answer
    return reading


def _combinations(by_kind: Sequence[Sequence[dict[str, Value]]]) -> Iterable[tuple[dict[str, Value], ...]]:
    """Of each kind one, in every way; of very many ways those of the two kinds of which there are the most, the others
    in turn. So no order in which a sender names things keeps two of them apart."""
    if prod(map(len, by_kind)) <= MAX_COMBINATIONS:
        return product(*by_kind)
    larger, smaller, *others = sorted(by_kind, key=len, reverse=True)
    ways = product(enumerate(larger), enumerate(smaller))
    return [
        (one, other, *(answers[(place + at) % len(answers)] for answers in others))
        for (place, one), (at, other) in islice(ways, MAX_COMBINATIONS)
    ]


class FailedEvent(Travelling, array_like=True, tag_field="tag", tag="failed"):
    """An event that could not be decided at one of its entities, on its way back to its user, where it may be waited
    for. `content`, `identity`: as its event's."""

    content: Hash64
    identity: Hash64

    def event(self) -> Event:
        """The event, without what it says."""
        return Event(
            self.event_id, self.type, self.user_id, self.ts_ms, self.fields, self.content, identity=self.identity
        )


def failed(routed: RoutedEvent) -> FailedEvent:
    """What goes back of a routed event that goes no further."""
    return FailedEvent(
        NOWHERE, routed.event_id, routed.type, routed.user_id, routed.ts_ms, routed.user_partition, {}, routed.content,
        routed.identify(),
    )  # fmt: skip


class RetroactiveMatch(msgspec.Struct, array_like=True, tag_field="tag", tag="recall"):
    """An earlier event that a rule acts on, because its entity has crossed the threshold since; as it is sent, too.
    `position` of `total` in the rule's counter; `content`: as the event's."""

    origin: Origin
    rule: Id
    event_id: Id
    type: Id
    user_id: Id
    target_id: Id
    ts_ms: Time
    user_partition: Partition
    kind: Id
    key: Key
    counter: str
    position: int | None
    total: int
    content: Hash64 = 0

    def fields(self) -> dict[str, object]:
        """What is known of the event: whose it is, and when. How far its time was off is not."""
        ids = {"event_id": self.event_id, "type": self.type, "user_id": self.user_id}
        return {**ids, EVENT_TIME: self.ts_ms, CLOCK_SKEW: None}

    def explain(self, counters: Mapping[str, Counter]) -> str:
        """For people: "14th of 23 accounts with url_domain x.io within 10m"."""
        counter = counters.get(self.counter)
        things = "accounts" if counter is not None and counter.field == USER else "events"
        within = f" within {duration_text(counter.over_ms)}" if counter is not None else ""
        which = ordinal(self.position) if self.position is not None else "one"
        names = self.key.split(PART_SEPARATOR)
        parts = zip(parts_of(self.kind), names, strict=False)
        named = " and ".join("the same text" if kind == "text" else f"{kind} {key}" for kind, key in parts)
        if is_pair(self.kind):
            named = f"the pair {' and '.join(names)}"
        return f"{which} of {self.total} {things} with {named}{within}"


def route(entities: Mapping[str, EntityProgram], fields: Fields) -> list[EntityKey]:
    """The entities that an event visits, in the order in which all events visit their kinds: of each kind all that it
    names, or of many some that its sender does not choose."""
    entity_keys: list[EntityKey] = []
    for kind, entity in entities.items():
        keys = entity.keys(fields)
        for key in keys if len(keys) < 2 else chosen(keys, entity.most):
            entity_keys.append((kind, key))
    return entity_keys
