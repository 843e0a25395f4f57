"""How many shared entities a partition has begun to count: adversaries can name as many as they like.

An entity that few sources have named is provisional. When the budget is used up, a provisional entity gives its place
to a new one: one of the source that has the most of them. So what an account makes up pushes out what it has made up
before, and neither what many people share nor the first mention of what others are about to share.
"""

import struct
from collections import OrderedDict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from engine.errors import StateError

MAX_SOURCES = 3
"""An entity that more sources than these have named stays for good."""
MAX_PROVISIONAL = 50_000
"""So many provisional entities of a kind are known; older ones stay for good."""
MAX_STORED = 2_000
"""So many of them are known after a restart, all kinds together, the newest of each: at most 68 kB."""

_DAY_MS = 86_400_000
_ENTRY = struct.Struct("<HIQ")
_KIND = struct.Struct("<HI")
_SOURCES = tuple(struct.Struct(f"<B{count}Q") for count in range(MAX_SOURCES + 1))
_NAME_BYTES = 8
_MOST_TRIED = 16
_UNSTORED = 8
"""What has changed is stored when it is this part of all that is provisional: a batch alone seldom is."""


class Admission(NamedTuple):
    """Whether a new entity may be counted, and the key of one that gives its place to it."""

    admitted: bool
    forgotten: bytes | None


@dataclass(slots=True)
class _Entity:
    """`key` is None after a restart, until it is met again: it gives way in the count alone. `sources`: who has named
    it, first the one whose share it is in."""

    key: bytes | None
    sources: list[int]


class Provisional:
    """The provisional entities of one kind, each in the share of one of its sources. Every step takes bounded time."""

    def __init__(self) -> None:
        self._entities: OrderedDict[bytes, _Entity] = OrderedDict()  # by the hash of the key, oldest first
        self._shares: dict[int, OrderedDict[bytes, None]] = {}
        self._ranks: dict[int, OrderedDict[int, None]] = {}  # sources by the size of their share
        self._most = 0

    def __len__(self) -> int:
        return len(self._entities)

    def __contains__(self, name: bytes) -> bool:
        return name in self._entities

    def add(self, name: bytes, key: bytes | None, sources: list[int]) -> None:
        """One more, in the share of the first source; of very many, the oldest is not provisional any more."""
        if name in self._entities:
            self.drop(name)
        self._entities[name] = _Entity(key, sources)
        self._enter(name, sources[0])
        if len(self) > MAX_PROVISIONAL:
            self.drop(next(iter(self._entities)))

    def meet(self, name: bytes, key: bytes, source: int) -> bool:
        """It is named again; whether that tells anything new. It goes into the share of who has fewer."""
        entity = self._entities.get(name)
        if entity is None:
            return False
        entity.key = key
        if source in entity.sources:
            return False
        if len(entity.sources) >= MAX_SOURCES:
            self.drop(name)
            return True
        entity.sources.append(source)
        self._hand_over(name, entity)
        return True

    def give_way(self, busy: Container[bytes]) -> tuple[bool, bytes | None]:
        """Drop the one that gives way, but none of `busy`: whether there is one, and its key where that is known. Of
        the source with the most: its oldest that it alone has named; of some that others have named too the one of
        those who have the most."""
        chosen, weight = None, 0.0
        for _ in range(min(_MOST_TRIED, len(self))):
            source = next(iter(self._ranks[self._most]))
            name = next(iter(self._shares[source]))
            entity = self._entities[name]
            if entity.key is None or entity.key not in busy:
                shared_by = len(entity.sources)
                lightest = min(self._share(sharer) for sharer in entity.sources) / shared_by
                if chosen is None or lightest > weight:
                    chosen, weight = name, lightest
                if shared_by == 1:
                    break
            self._shares[source].move_to_end(name)
            self._ranks[self._most].move_to_end(source)
            self._hand_over(name, entity)
        return (False, None) if chosen is None else (True, self.drop(chosen))

    def drop(self, name: bytes) -> bytes | None:
        """It is not provisional any more. Returns its key where that is known."""
        entity = self._entities.pop(name)
        self._leave(name, entity.sources[0])
        return entity.key

    def newest(self, most: int) -> Iterator[tuple[bytes, list[int]]]:
        """The newest of them, oldest first: the hashes of their keys, and their sources."""
        for name, entity in reversed(list(islice(reversed(self._entities.items()), most))):
            yield name, entity.sources

    def _share(self, source: int) -> int:
        return len(self._shares.get(source, ()))

    def _hand_over(self, name: bytes, entity: _Entity) -> None:
        """Into the share of the source with the fewest, if it still has fewer then."""
        owner = entity.sources[0]
        lightest = min(entity.sources, key=self._share)
        if self._share(lightest) + 1 < self._share(owner):
            self._leave(name, owner)
            entity.sources.remove(lightest)
            entity.sources.insert(0, lightest)
            self._enter(name, lightest)

    def _enter(self, name: bytes, source: int) -> None:
        share = self._shares.setdefault(source, OrderedDict())
        share[name] = None
        self._rank(source, len(share) - 1, len(share))

    def _leave(self, name: bytes, source: int) -> None:
        share = self._shares[source]
        del share[name]
        self._rank(source, len(share) + 1, len(share))
        if not share:
            del self._shares[source]

    def _rank(self, source: int, before: int, now: int) -> None:
        """A share has changed by one."""
        if before:
            del self._ranks[before][source]
            if not self._ranks[before]:
                del self._ranks[before]
        if now:
            self._ranks.setdefault(now, OrderedDict())[source] = None
        if now > self._most or self._most not in self._ranks:
            self._most = now  # only a share of the largest size leaves none of that size, and then it is the largest


@dataclass(slots=True)
class EntityBudget:
    """New entities by kind and day; two days of them are remembered. `provisional`: by kind, those that at most
    MAX_SOURCES have named; `unstored`: how much of that has changed since it was stored; `is_changed`: whether the
    counts have."""

    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    provisional: dict[str, Provisional] = field(default_factory=dict)
    unstored: int = 0
    is_changed: bool = False

    def meet(self, kind: str, key: bytes, source: int) -> bool:
        """An entity that is counted is named again. Whether it is provisional still."""
        known, name = self.provisional.get(kind), provisional_name(key)
        if known is None or name not in known:
            return False
        if known.meet(name, key, source):
            self.unstored += 1
        return name in known

    def has_room(self, kind: str, ts_ms: int, budget: int) -> bool:
        """Whether a new entity would be admitted. None is."""
        return not self._is_spent(kind, self._day(kind, ts_ms), budget) or bool(self.provisional.get(kind))

    def admit(
        self, kind: str, key: bytes, ts_ms: int, budget: int, source: int, busy: Container[bytes] = ()
    ) -> Admission:
        """Whether one more new entity may be counted, and which other one is forgotten for it. Where today's and
        yesterday's have used up the budget, a provisional one gives way, but none of `busy`. An event of before
        yesterday counts as today's: old times are no way around."""
        day = self._day(kind, ts_ms)
        provisional, forgotten = self.provisional.get(kind), None
        if provisional is None:
            provisional = self.provisional[kind] = Provisional()
        if self._is_spent(kind, day, budget):
            gives_way, forgotten = provisional.give_way(busy)
            if not gives_way:
                return Admission(False, None)
        else:
            if (kind, day) not in self.counts:
                self._begin(kind, day)
            self.counts[kind, day] += 1
            self.is_changed = True
        provisional.add(provisional_name(key), key, [source])
        self.unstored += 1
        return Admission(True, forgotten)

    def _begin(self, kind: str, day: int) -> None:
        """A day of which nothing is counted yet. Those of before its yesterday are over."""
        self.counts[kind, day] = 0
        earliest = self._newest(kind) - 1
        for old in [counted for counted in self.counts if counted[0] == kind and counted[1] < earliest]:
            del self.counts[old]

    def _newest(self, kind: str) -> int:
        return max((day for counted, day in self.counts if counted == kind), default=0)

    def _day(self, kind: str, ts_ms: int) -> int:
        day = ts_ms // _DAY_MS
        if (kind, day) in self.counts:  # only the newest two of a kind are
            return day
        newest = self._newest(kind)
        return newest if day < newest - 1 else day

    def _is_spent(self, kind: str, day: int, budget: int) -> bool:
        return self.counts.get((kind, day), 0) + self.counts.get((kind, day - 1), 0) >= budget

    def shared(self, places: Mapping[bytes, int], parts: Sequence[int]) -> dict[int, "EntityBudget"]:
        """By partition: what each of these has of it, which share its entities from now on. `places`: in which of them
        provisional entities are, by `provisional_name`; those that are nowhere are not provisional any more."""
        shares = {part: EntityBudget(unstored=MAX_STORED) for part in parts}
        for share in shares.values():
            share.counts = {kind: -(-count // len(parts)) for kind, count in self.counts.items()}
        for kind, known in self.provisional.items():
            for name, sources in known.newest(len(known)):
                if name in places:
                    own = shares[places[name]].provisional.setdefault(kind, Provisional())
                    own.add(name, None, list(sources))
        return shares

    def dump(self) -> bytes:
        """The counts as bytes, in order."""
        parts = []
        for kind, day in sorted(self.counts):
            name = kind.encode()
            parts += [_ENTRY.pack(len(name), day, self.counts[kind, day]), name]
        return b"".join(parts)

    def dump_provisional(self) -> bytes | None:
        """What is provisional as bytes, where enough of it has changed since the last call; else None."""
        if self.unstored == 0:
            return None
        size = sum(map(len, self.provisional.values()))
        if self.unstored < min(size, MAX_STORED) // _UNSTORED:
            return None
        self.unstored = 0
        each, parts = MAX_STORED // max(1, len(self.provisional)), []
        for kind in sorted(self.provisional):
            name, known = kind.encode(), self.provisional[kind]
            parts += [_KIND.pack(len(name), min(len(known), each)), name]
            parts += [digest + _SOURCES[len(by)].pack(len(by), *by) for digest, by in known.newest(each)]
        return b"".join(parts)


def load_entity_budget(data: bytes, provisional: bytes = b"") -> EntityBudget:
    """What `dump` and `dump_provisional` wrote; without the second all stay. Raises StateError."""
    entity_budget, at = EntityBudget(), 0
    try:
        while at < len(data):
            length, day, count = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size + length
            if at > len(data):
                raise ValueError("it ends too early")
            entity_budget.counts[data[at - length : at].decode(), day] = count
        _load_provisional(entity_budget, provisional)
    except (struct.error, ValueError) as error:
        raise StateError(f"a stored entity_budget of {len(data)} bytes cannot be read: {error}") from error
    return entity_budget


def _load_provisional(entity_budget: EntityBudget, data: bytes) -> None:
    at = 0
    while at < len(data):
        length, count = _KIND.unpack_from(data, at)
        at += _KIND.size + length
        known = entity_budget.provisional[data[at - length : at].decode()] = Provisional()
        if at > len(data) or count > MAX_STORED:
            raise ValueError("it ends too early, or has too many provisional entities")
        for _ in range(count):
            name, (named,) = data[at : at + _NAME_BYTES], struct.unpack_from("<B", data, at + _NAME_BYTES)
            if not 0 < named <= MAX_SOURCES:
                raise ValueError(f"an entity that {named} sources have named is not provisional")
            _, *sources = _SOURCES[named].unpack_from(data, at + _NAME_BYTES)
            known.add(name, None, sources)
            at += _NAME_BYTES + _SOURCES[named].size


def provisional_name(key: bytes) -> bytes:
    """By which a provisional entity is known, of the key of its record."""
    return blake2b(key, digest_size=_NAME_BYTES).digest()
