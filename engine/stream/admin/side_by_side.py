"""Decisions or actions of two sides, laid side by side by the event, or by the action's id.

Both are read as they are on their topics. What only one side has counts once the other has certainly been past that
event. Memory is bounded: where there is more, the keys are split by their hashes, and both topics are read once for
each part.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from engine.core.domain.units import duration_text
from engine.settings import Settings
from engine.stream.admin.published import ACTION, DECISION, Shape, read_recorded
from engine.stream.admin.revocation import REVOKE
from engine.stream.handlers.messages import value_text
from engine.stream.kafka.records import read_at

MOST_ENTRIES = 250_000
"""Decisions or actions of one side that are in memory at a time: some 60 MB."""

MOST_USERS = 1_000_000
"""Users that are told apart, of all differences together."""

MOST_DIFFERENCES = 1_000
_EXAMPLES = 3

_AHEAD_MS = 86_400_000
"""By how much the time of an event may be ahead of its arrival, and more."""

Side = Literal["incumbent", "candidate"]
ComesTo = tuple[tuple[str, str], ...]
Row = tuple[str, str | None, str | None]
Places = dict[Side, tuple[int, int]]


class Example(msgspec.Struct, frozen=True):
    """An event that both sides decide otherwise. `why`: by side, what held there; nothing where nothing did."""

    event_id: str
    user_id: str
    why: dict[Side, str]


class Difference(msgspec.Struct):
    """What a rule comes to on each side: of decisions the effect, of actions what is done; None where it is nothing.
    `users`: at least so many, where `users_are_more`."""

    rule: str
    incumbent: str | None
    candidate: str | None
    events: int = 0
    users: int = 0
    users_are_more: bool = False
    examples: list[Example] = []


class Period(NamedTuple):
    """Events since then, by their time; what one side alone has counts where it was published until then."""

    since_ms: int
    until_ms: float


class Kind(NamedTuple):
    """Decisions, or actions: our name of their topic, what is the same thing, what it comes to by rule, and why."""

    topic: str
    shape: Shape[Any]
    key: Callable[[Any], tuple[object, ...]]
    comes_to: Callable[[Any], Iterator[tuple[str, str]]]
    why: Callable[[Any, str], str]


def _effects(decision: Any) -> Iterator[tuple[str, str]]:
    return ((hit["rule"], hit["effect"]) for hit in decision["hits"])


def _deeds(action: Any) -> Iterator[tuple[str, str]]:
    """None of a revocation: people take actions back, on one side alone."""
    if action["kind"] != REVOKE:
        lasts = f" for {duration_text(action['for_ms'])}" if "for_ms" in action else ""
        asks = f", needs {action['needs']}" if "needs" in action else ""
        waits = ", later" if "not_before_ms" in action else ""
        yield action["rule"], f"{action['kind']} {action.get('scope', '')}".strip() + lasts + asks + waits


def _why_held(decision: Any, rule: str) -> str:
    held = [clause for hit in decision["hits"] if hit["rule"] == rule for clause in hit["clauses"] if clause["result"]]
    return ", ".join(f"{one['text']} ({value_text(one['value'], one.get('points'))})" for one in held)


def _event_key(decision: Any) -> tuple[object, ...]:
    return decision["event_id"], decision["user_id"], decision["type"], decision.get("earlier", False)


DECISIONS = Kind("decisions", DECISION, _event_key, _effects, _why_held)
ACTIONS = Kind("actions", ACTION, lambda one: (one["action_id"],), _deeds, lambda one, _: str(one["explanation"]))


class _Entry(NamedTuple):
    """What one side says. `is_settled`: the other side has been past its event."""

    comes_to: ComesTo
    user: int
    place: tuple[int, int]
    is_settled: bool


class Users:
    """Tells users apart, and not more of them than there may be."""

    def __init__(self, most: int = MOST_USERS) -> None:
        self._most, self._seen = most, set[tuple[object, int]]()

    def count(self, difference: Difference, user: int) -> None:
        """Count a user, who may have been counted before."""
        seen = (id(difference), user)
        if seen in self._seen:
            return
        if len(self._seen) >= self._most:
            difference.users_are_more = True
            return
        self._seen.add(seen)
        difference.users += 1


class SideBySide:
    """Both sides' decisions, or actions, and in what they differ. `alike`, `differing`: how many; `left_out`:
    differences beyond those that are told; `rulebooks`: by which each side has decided. Raises TopicError."""

    def __init__(
        self, kind: Kind, sides: Mapping[Side, Settings], period: Period, users: Users, most: int = MOST_ENTRIES
    ) -> None:
        self._kind, self._sides, self._period, self._users, self._most = kind, sides, period, users, most
        self._differences: dict[Row, tuple[Difference, list[Places]]] = {}
        self._shared: dict[ComesTo, ComesTo] = {}
        self.rulebooks: dict[Side, set[str]] = {side: set() for side in sides}
        self.alike = self.differing = self.left_out = 0
        parts = [(1, 0)]
        while parts:
            modulus, rest = parts.pop()
            if not self._lay_part(modulus, rest):
                parts += [(2 * modulus, rest), (2 * modulus, rest + modulus)]

    def _lay_part(self, modulus: int, rest: int) -> bool:
        """Lay what has a part of all keys side by side; False: that is too much."""
        loaded = []
        for side in ("incumbent", "candidate"):
            entries = self._load(side, modulus, rest)
            if entries is None:
                return False
            loaded.append(entries)
        here, there = loaded
        for key in here.keys() | there.keys():
            self._lay(here.get(key), there.get(key))
        return True

    def _load(self, side: Side, modulus: int, rest: int) -> dict[int, _Entry] | None:
        kind, entries = self._kind, dict[int, _Entry]()
        topic = getattr(self._sides[side].topics, kind.topic)
        since_ms = max(0, self._period.since_ms - _AHEAD_MS)
        for record, document in read_recorded(self._sides[side], topic, kind.shape, since_ms=since_ms):
            key = hash(kind.key(document))
            if document["ts"] < self._period.since_ms or key % modulus != rest or key in entries:
                continue
            if len(self.rulebooks[side]) < MOST_DIFFERENCES:
                self.rulebooks[side].add(document["rulebook"])
            comes_to = tuple(sorted(kind.comes_to(document)))
            if comes_to:
                if len(self._shared) < self._most:  # there are few, of many events each
                    comes_to = self._shared.setdefault(comes_to, comes_to)
                is_settled = record.timestamp < self._period.until_ms
                entries[key] = _Entry(
                    comes_to, hash(document["user_id"]), (record.partition, record.offset), is_settled
                )
            if len(entries) > self._most:
                return None
        return entries

    def _lay(self, here: _Entry | None, there: _Entry | None) -> None:
        """Both sides of one thing. What one side alone has may be still to come on the other."""
        sides: tuple[tuple[Side, _Entry | None], ...] = (("incumbent", here), ("candidate", there))
        found = {side: entry for side, entry in sides if entry is not None}
        if len(found) == 1 and not all(entry.is_settled for entry in found.values()):
            return
        before, after = (dict(entry.comes_to) if entry is not None else {} for entry in (here, there))
        if before == after:
            self.alike += 1
            return
        self.differing += 1
        places = {side: entry.place for side, entry in found.items()}
        user = next(iter(found.values())).user
        for rule in sorted(before.keys() | after.keys()):
            if before.get(rule) != after.get(rule):
                self._note((rule, before.get(rule), after.get(rule)), user, places)

    def _note(self, row: Row, user: int, places: Places) -> None:
        if row not in self._differences and len(self._differences) >= MOST_DIFFERENCES:
            self.left_out += 1
            return
        difference, examples = self._differences.setdefault(row, (Difference(*row), []))
        difference.events += 1
        self._users.count(difference, user)
        if len(examples) < _EXAMPLES:
            examples.append(places)

    def differences(self) -> list[Difference]:
        """The most frequent first, each with some of its events. Raises TopicError."""
        read = {side: self._read(side) for side in self._sides}
        for difference, examples in self._differences.values():
            difference.examples = [
                self._example(difference.rule, {side: read[side][place] for side, place in places.items()})
                for places in examples
                if all(place in read[side] for side, place in places.items())  # retention may have taken it meanwhile
            ]
        listed = [difference for difference, _ in self._differences.values()]
        return sorted(listed, key=lambda one: (-one.events, one.rule, str(one.incumbent)))

    def _read(self, side: Side) -> dict[tuple[int, int], Any]:
        """One side's documents of all examples."""
        settings = self._sides[side]
        topic = getattr(settings.topics, self._kind.topic)
        wanted = {places[side] for _, examples in self._differences.values() for places in examples if side in places}
        records = read_at(settings, [(topic, *place) for place in sorted(wanted)])
        found = {(record.partition, record.offset): self._kind.shape.read(record.value) for record in records}
        return {place: document for place, document in found.items() if document is not None}

    def _example(self, rule: str, documents: dict[Side, Any]) -> Example:
        event = next(iter(documents.values()))
        why = {side: self._kind.why(document, rule) for side, document in documents.items()}
        return Example(event["event_id"], event["user_id"], why)
