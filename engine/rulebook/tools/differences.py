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
    """`change`: added, removed or changed; `kind`: rule, counter, list ...; `details`: one line each."""

    change: str
    kind: str
    name: str
    details: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.change} {self.kind} {self.name}", *(f"  {detail}" for detail in self.details)]
        return "\n".join(lines)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """What has changed between two rulebooks, given as file names and texts."""
    old, new = _things(before), _things(after)
    changes = []
    for kind, name in sorted(old.keys() | new.keys()):
        earlier, later = old.get((kind, name)), new.get((kind, name))
        if earlier is None:
            changes.append(Difference("added", kind, name))
        elif later is None:
            changes.append(Difference("removed", kind, name))
        elif earlier != later:
            changes.append(Difference("changed", kind, name, list(_changes(earlier, later))))
    return changes


def _things(sources: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """Everything that has a name, by kind and name; files that are no rulebooks by their lines."""
    things: dict[tuple[str, str], Any] = {}
    for file, text in sorted(sources.items()):
        if not file.endswith((".yaml", ".yml")):
            things["file", file] = [line for line in text.splitlines() if line.strip()]
            continue
        root = parse(file, text, Diagnostics({file: text}))
        document = root.plain() if root is not None else {}
        for section, entries in document.items() if isinstance(document, dict) else ():
            if isinstance(entries, dict):
                kind = _SINGULAR.get(section, section.removesuffix("s"))
                things.update({(kind, str(name)): _plain(value) for name, value in entries.items()})
    return things


def _plain(value: Any) -> Any:
    return value if value is not None else ""


def _changes(before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key):
                yield f"{key}: {_change_text(before.get(key), after.get(key))}"
        return
    yield _change_text(before, after)


def _change_text(before: Any, after: Any) -> str:
    if isinstance(before, list) and isinstance(after, list):
        gone, come = _without(before, after), _without(after, before)
        parts = [f"- {_short(each)}" for each in gone[:_MANY]] + [f"+ {_short(each)}" for each in come[:_MANY]]
        left = max(0, len(gone) - _MANY) + max(0, len(come) - _MANY)
        return ", ".join(parts + [f"and {left} more"] * bool(left)) or "in another order"
    return f"{_short(before)} → {_short(after)}"


def _without(entries: list[Any], others: list[Any]) -> list[Any]:
    """What is in one list and not in the other; long lists hold texts."""
    if all(isinstance(each, str) for each in others):
        known = set(others)
        return [each for each in entries if not isinstance(each, str) or each not in known]
    return [each for each in entries if each not in others]


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
