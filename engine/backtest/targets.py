"""Whom rules are about: the event's user, or whom one of its fields names."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.core.domain.events import Event
from engine.core.domain.rules import Rule, Rulebook
from engine.core.kernel import lookup

USERS = "user"
"""The kind of those whose events rules meet; all other kinds are paths of fields."""

MOST_REMEMBERED = 100_000
"""So many of the latest events that name a target are known by it: rules look back on few."""


class TrialTarget(NamedTuple):
    """One of those whom rules are about. `kind`: USERS, or the path at which events name it."""

    kind: str
    id: str


class Targets:
    """Whom events name, as far as rules target it. `seen`: by path, all of them."""

    def __init__(self, rulebooks: Iterable[Rulebook] = ()) -> None:
        paths = {rule.then.path for rulebook in rulebooks for rule in rulebook.rules if kind_of(rule) != USERS}
        self.seen: dict[str, set[str]] = {path: set() for path in sorted(paths)}
        self._named: dict[tuple[str, str, int], dict[str, str]] = {}

    def note(self, event: Event) -> None:
        """Whom an event names."""
        if not self.seen:
            return
        read = ((path, lookup(event.fields, path)) for path in self.seen)
        named = {path: value for path, value in read if type(value) is str and value}
        for path, value in named.items():
            self.seen[path].add(value)
        if named:
            self._named[event.event_id, event.type, event.ts_ms] = named
            if len(self._named) > MOST_REMEMBERED:
                del self._named[next(iter(self._named))]

    def of(self, rule: Rule, event_id: str, event_type: str, ts_ms: int, user_id: str) -> TrialTarget:
        """Whom a rule that met an event is about. An action on an event is about its user; so is one of which nobody
        remembers whom the event named."""
        kind = kind_of(rule)
        named: Mapping[str, str] = self._named.get((event_id, event_type, ts_ms), {}) if kind != USERS else {}
        return TrialTarget(kind, named[kind]) if kind in named else TrialTarget(USERS, user_id)


def kind_of(rule: Rule) -> str:
    """The kind of those whom a rule is about. Of domains and networks it is the users who name them."""
    return USERS if rule.then.target in ("user", "event") or rule.then.keys is not None else rule.then.path
