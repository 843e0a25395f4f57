"""Which fields of an event are not what the rules take them for: it may be its sender's doing."""

from typing import Any

from engine.core.kernel import lookup
from engine.core.values.identity import INVALID_FIELDS

Declared = tuple[str, str, str | None, tuple[type, ...]]
"""A field: its name, its path, what a path of several parts begins with, and of which types it may be."""


def invalid(fields: dict[str, Any], declared: tuple[Declared, ...]) -> list[str]:
    """Which fields of an event cannot be what they should: those that were left out or cut, and those which the rules
    want to be of another type."""
    names: list[str] = [*fields[INVALID_FIELDS]] if INVALID_FIELDS in fields else []
    for name, path, first, types in declared:
        value, fitting = None, types
        if first in fields:  # most events have few of them
            value = lookup(fields, path)
            if value is None:  # perhaps there is something else where it should stand in
                value, fitting = _in_the_way(fields, path), (dict,)
        elif path in fields:
            value = fields[path]
        if value is not None and type(value) not in fitting and name not in names:
            names.append(name)
    return names


def _in_the_way(fields: dict[str, Any], path: str) -> Any:
    """What stands where a path goes on that leads to nothing."""
    value: Any = fields
    for part in path.split("."):
        if type(value) is not dict:
            break
        value = value.get(part)
    return value
