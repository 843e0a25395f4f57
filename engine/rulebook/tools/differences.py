"""Two rulebooks compared in terms of rules, counters and lists, not of lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.source import parse

_SINGULAR = {"derived": "derived"}
_MANY = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: added, removed or changed; `kind`: rule, counter, list ...; `details`: one line each."""

    what: str
    kind: str
    name: str
    details: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.what} {self.kind} {self.name}", *(f"  {detail}" for detail in self.details)]
        return "\n".join(lines)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """What has changed between two rulebooks, given as file names and texts."""
    old, new = _things(before), _things(after)
    found = []
    for kind, name in sorted(old.keys() | new.keys()):
        one, other = old.get((kind, name)), new.get((kind, name))
        if one is None:
            found.append(Difference("added", kind, name))
        elif other is None:
            found.append(Difference("removed", kind, name))
        elif one != other:
            found.append(Difference("changed", kind, name, list(_changes(one, other))))
    return found


def _things(sources: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """Everything that has a name, by kind and name; files that are no rulebooks by their lines."""
    found: dict[tuple[str, str], Any] = {}
    for file, text in sorted(sources.items()):
        if not file.endswith((".yaml", ".yml")):
            found["file", file] = [line for line in text.splitlines() if line.strip()]
            continue
        root = parse(file, text, Diagnostics({file: text}))
        document = root.plain() if root is not None else {}
        for section, entries in document.items() if isinstance(document, dict) else ():
            if isinstance(entries, dict):
                kind = _SINGULAR.get(section, section.removesuffix("s"))
                found.update({(kind, str(name)): _plain(value) for name, value in entries.items()})
    return found


def _plain(value: Any) -> Any:
    return value if value is not None else ""


def _changes(one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                yield f"{key}: {_told(one.get(key), other.get(key))}"
        return
    yield _told(one, other)


def _told(one: Any, other: Any) -> str:
    if isinstance(one, list) and isinstance(other, list):
        gone, come = _without(one, other), _without(other, one)
        parts = [f"- {_short(each)}" for each in gone[:_MANY]] + [f"+ {_short(each)}" for each in come[:_MANY]]
        left = max(0, len(gone) - _MANY) + max(0, len(come) - _MANY)
        return ", ".join(parts + [f"and {left} more"] * bool(left)) or "in another order"
    return f"{_short(one)} → {_short(other)}"


def _without(one: list[Any], other: list[Any]) -> list[Any]:
    """What is in one list and not in the other; long lists hold texts."""
    if all(isinstance(each, str) for each in other):
        known = set(other)
        return [each for each in one if not isinstance(each, str) or each not in known]
    return [each for each in one if each not in other]


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
