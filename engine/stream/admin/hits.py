"""What rules have met, as decisions tell it: which hits are meant, what they name, and which have that in common."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, NamedTuple

import orjson

from engine.core.values.hashing import digest
from engine.core.values.identity import TEXT_FIELDS
from engine.rulebook.language.keys import CANONICAL, KEY_PATHS
from engine.settings import Settings
from engine.stream.admin.published import DECISION, read_documents

_NAMED = re.compile(rf"\b(?<!\.)({'|'.join(sorted({*TEXT_FIELDS, *KEY_PATHS, 'url'}))})\b")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")

Key = tuple[str, str]
"""What an event may have in common with others: `text`, `ip`, `url_domain`, a cluster, and the value."""

_LONGEST_TEXT = 100
"""So much of a text stands in a decision."""


class Met(NamedTuple):
    """A rule that has met an event: its decision, and the hit in it."""

    decision: Any
    hit: Any


@dataclass(frozen=True, slots=True)
class HitQuery:
    """Which hits are meant: those that fit all that is given. Times are event times in epoch ms, `until` excluded;
    `users`, `entities`: names for the same one; `near`: they have one of these in common."""

    rule: str | None = None
    mode: str | None = None
    users: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    near: frozenset[Key] | None = None

    def of(self, decision: Any) -> Iterator[Met]:
        """Those of one decision."""
        if self._fits(decision):
            for hit in decision["hits"]:
                if self.rule in (None, hit["rule"]) and self.mode in (None, hit["mode"]):
                    yield Met(decision, hit)

    def _fits(self, decision: Any) -> bool:
        return (
            (not self.users or decision["user_id"] in self.users)
            and (self.since_ms is None or decision["ts"] >= self.since_ms)
            and (self.until_ms is None or decision["ts"] < self.until_ms)
            and (not self.entities or any(self._is_meant(*key) for key in names_of(decision)))
            and (self.near is None or not self.near.isdisjoint(keys_of(decision)))
        )

    def _is_meant(self, name: str, value: str) -> bool:
        meant = {key for entity in self.entities for key in _keys(name, entity[:_LONGEST_TEXT])}
        return not meant.isdisjoint(_keys(name, value))


@dataclass(frozen=True, slots=True)
class Hits:
    """The newest hits, the newest first; how many there are, and on how many users."""

    newest: list[Met]
    count: int
    users: int


def find_hits(decisions: Iterable[Any], query: HitQuery, limit: int) -> Hits:
    """The newest hits among decisions that may come more than once, in any order."""
    seen: set[str] = set()
    users: set[str] = set()

    def met() -> Iterator[Met]:
        for decision in decisions:
            for hit in query.of(decision):
                name = digest(decision["user_id"], decision["event_id"], orjson.dumps(hit.hit).decode())
                if name not in seen:  # after a crash some are published again
                    seen.add(name)
                    users.add(decision["user_id"])
                    yield hit

    newest = nlargest(limit, met(), key=lambda hit: (hit.decision["ts"], hit.decision["event_id"], hit.hit["rule"]))
    return Hits(newest, len(seen), len(users))


def acted_in(settings: Settings, mode: str) -> set[tuple[str, str]]:
    """The events on which rules acted in this mode, with the rules. Raises TopicError."""
    decisions = read_documents(settings, settings.topics.decisions, DECISION, orjson.dumps(mode))
    query = HitQuery(mode=mode)
    return {
        (decision["event_id"], hit["rule"])
        for _, decision in decisions
        for _, hit in query.of(decision)
        if hit["effect"] == "acted"
    }


def names_of(decision: Any) -> list[Key]:
    """What a decision tells of its event that others may have too: texts and entities that its rules have read, and no
    more, and members of clusters."""
    names = {key for hit in decision["hits"] for clause in hit["clauses"] for key in _names_in(clause)}
    for cluster, members in decision.get("clusters", {}).items():
        names |= {(cluster, member) for member in (*members, decision["user_id"])}
    return sorted(names)


def keys_of(decision: Any) -> frozenset[Key]:
    """The same as it is compared: texts that differ in little, and addresses in any writing, are one."""
    return frozenset((name, key) for name, value in names_of(decision) for key in _keys(name, value))


def _keys(name: str, value: str) -> tuple[str, ...]:
    canonical = CANONICAL.get(name)
    return (canonical(value) if canonical is not None else ()) or (value,)


def _names_in(clause: Any) -> Iterator[Key]:
    value, names = clause["value"], _NAMED.findall(_QUOTED.sub("", clause["text"]))
    read = value if isinstance(value, dict) else {names[0]: value} if names else {}
    for name, entry in read.items():
        if name in names and isinstance(entry, str) and entry:
            for part in entry.split(", ") if name == "url_domain" else (entry,):
                yield name, part
