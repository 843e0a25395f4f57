"""Why rules never fired: what they ask for that the recording does not have, and what it has that is nearest.

One pass beside the trial, in bounded memory: what rules ask for is always counted, what else there is as far as it
fits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from engine.core.domain.events import Event
from engine.core.domain.rules import ANY_EVENT, Rulebook
from engine.core.kernel import lookup
from engine.core.values.identity import COMPUTED_FIELDS
from engine.rulebook.checks.requirements import Requirement, Requirements, Value

MOST_COUNTED = 50_000
"""So many different fields and values are counted, by type of event; what comes later is not named as nearest."""

MOST_CHARS = 100
"""A longer value is nothing that a rule would spell out."""

_MOST_ITEMS, _MOST_DEPTH, _NEAREST = 100, 4, 3

_OTHER = ""
"""Stands for the types that there was no room for."""

_Key = tuple[str, str, bool, Value]
"""A value of a field of events of a type; whether it is a truth value, as True is 1 otherwise."""


class Absence(msgspec.Struct, frozen=True):
    """Something that a rule asks for, of events of these types, and that the recording never has. `kind`: type, field
    or value; `name`: of the field; `value`: the type, field or value; `nearest`: what there is instead, the most alike
    and then the most frequent, with how often."""

    kind: str = msgspec.field(name="what")
    types: tuple[str, ...]
    name: str
    value: Value = msgspec.field(name="wanted")
    nearest: list[tuple[Value, int]]

    def __str__(self) -> str:
        """A sentence for people."""
        there = ", ".join(f"{_shown(value)} ({count:,})" for value, count in self.nearest)
        if self.kind == "type":
            return f"there is no event of type {_shown(self.value)}" + (f", but of {there}" if there else "")
        of = "" if ANY_EVENT in self.types else f"{' or '.join(self.types)} "
        if self.kind == "field":
            return f"no {of}event has a field {_shown(self.value)}" + (f", but {there}" if there else "")
        return f"{self.name} of {of}events is never {_shown(self.value)}" + (f", but {there}" if there else "")


class Survey:
    """What the events of a recording have, as far as the rules of a rulebook ask. `hidden`: paths at which people have
    pseudonyms, whose values say nothing."""

    def __init__(self, rulebook: Rulebook, hidden: Iterable[str] = ()) -> None:
        self._requirements, self._hidden = Requirements(rulebook.sources), frozenset(hidden)
        asked = self._requirements.all()
        self._asked_types = {kind for requirement in asked for kind in requirement.types}
        self._asked_paths = {requirement.path for requirement in asked if requirement.kind == "field"}
        self._read = {requirement.path for requirement in asked if requirement.kind == "value"} - self._hidden
        self._asked_values = {
            (requirement.path, *_marked(requirement.value)) for requirement in asked if requirement.kind == "value"
        }
        self._types: Counter[str] = Counter()
        self._fields: Counter[tuple[str, str]] = Counter()
        self._values: Counter[_Key] = Counter()

    def note(self, event: Event) -> None:
        """One more event."""
        room = self._has_room()
        kind = event.type if room or event.type in self._types or event.type in self._asked_types else _OTHER
        self._types[kind] += 1
        present = {path for path in self._asked_paths if lookup(event.fields, path) is not None}
        for path in present.union(_paths(event.fields)):
            if room or path in self._asked_paths or (kind, path) in self._fields:
                self._fields[kind, path] += 1
        for path in self._read:
            for value in _values(lookup(event.fields, path)):
                key = (kind, path, *_marked(value))
                if room or key in self._values or key[1:] in self._asked_values:
                    self._values[key] += 1

    def absences(self, rule: str) -> list[Absence]:
        """Why a rule could not fire; empty where it could have."""
        return [
            Absence(
                kind=requirement.kind,
                types=requirement.types,
                name=requirement.name,
                value=_required(requirement),
                nearest=self._nearest(requirement),
            )
            for requirement in self._requirements.lacking(rule, self._is_there)
        ]

    def _has_room(self) -> bool:
        return len(self._types) + len(self._fields) + len(self._values) < MOST_COUNTED

    def _is_there(self, requirement: Requirement) -> bool:
        if requirement.kind == "value" and requirement.path in self._hidden:
            return True
        kinds = self._kinds(requirement)
        if requirement.kind == "type":
            return bool(kinds)
        if requirement.kind == "field":
            return any((kind, requirement.path) in self._fields for kind in kinds)
        return any((kind, requirement.path, *_marked(requirement.value)) in self._values for kind in kinds)

    def _kinds(self, requirement: Requirement) -> list[str]:
        return [kind for kind in self._types if kind in requirement.types or ANY_EVENT in requirement.types]

    def _nearest(self, requirement: Requirement) -> list[tuple[Value, int]]:
        kinds, there = set(self._kinds(requirement)), Counter[Value]()
        if requirement.kind == "type":
            there.update({kind: count for kind, count in self._types.items() if kind != _OTHER})
        elif requirement.kind == "field":
            for (kind, path), count in self._fields.items():
                if kind in kinds:
                    there[path] += count
        else:
            for (kind, path, _, value), count in self._values.items():
                if kind in kinds and path == requirement.path:
                    there[value] += count
        return _ranked(str(_required(requirement)), there, others=requirement.kind != "field")


def _ranked(required: str, there: Mapping[Value, int], others: bool) -> list[tuple[Value, int]]:
    """The most alike first; then the most frequent `others`."""
    written = {str(value): value for value in there}
    alike = [written[text] for text in get_close_matches(required, written, n=_NEAREST)]
    rest = sorted((value for value in there if value not in alike), key=lambda value: (-there[value], str(value)))
    return [(value, there[value]) for value in (*alike, *(rest if others else ()))][:_NEAREST]


def _required(requirement: Requirement) -> Value:
    if requirement.kind == "type":
        return requirement.types[0]
    return requirement.path if requirement.kind == "field" else requirement.value


def _marked(value: Value) -> tuple[bool, Value]:
    return type(value) is bool, value


def _values(value: Any) -> Iterator[Value]:
    for item in value[:_MOST_ITEMS] if type(value) is list else [value]:
        if type(item) in (bool, int, float) or (type(item) is str and len(item) <= MOST_CHARS):
            yield item


def _paths(document: Mapping[str, Any], before: str = "", depth: int = 1) -> Iterator[str]:
    """The paths at which an event has something, without what the engine finds out itself."""
    for name, value in document.items():
        if value is None or name in COMPUTED_FIELDS or len(name) > MOST_CHARS:
            continue
        yield before + name
        if type(value) is dict and depth < _MOST_DEPTH:
            yield from _paths(value, f"{before}{name}.", depth + 1)


def _shown(value: Value) -> str:
    return f"`{str(value).lower() if type(value) is bool else value}`"
