"""Which fields of an event are not what the rules take them for: it may be its sender's doing."""

from collections.abc import Container, Iterable
from types import NoneType
from typing import Any, NamedTuple

from engine.core.kernel import is_usual, lookup
from engine.core.values.identity import INVALID_FIELDS
from engine.core.values.shapes import Usual

Declared = tuple[str, str, str | None, tuple[type, ...]]
"""A field: its name, its path, what a path of several parts begins with, and of which types it may be."""


class DeclaredTypes(NamedTuple):
    """The fields that are declared to be of a type, and what is usual of an event: then nobody has to look further."""

    fields: tuple[Declared, ...]
    usual: Usual


def declared_types(fields: Iterable[Declared]) -> DeclaredTypes:
    """All that is declared, made ready for `invalid`."""
    declared, usual = tuple(fields), Usual({}, {})
    paths = {path for _, path, _, _ in declared}
    for _, path, first, types in declared:
        _expect(usual, path, types)
        if first is not None:
            _expect_inside(usual, path, types, paths)
    return DeclaredTypes(declared, usual)


def _expect(usual: Usual, name: str, types: tuple[type, ...]) -> None:
    usual.types[name] = usual.types.get(name, frozenset(types)) & frozenset(types) | {NoneType}


def _expect_inside(usual: Usual, path: str, types: tuple[type, ...], paths: Container[str]) -> None:
    """What a path of several parts leads to. What is declared itself to be something is no object."""
    *parts, last = path.split(".")
    for depth, part in enumerate(parts, 1):
        _expect(usual, part, ())
        if ".".join(parts[:depth]) in paths:
            return
        usual = usual.inner.setdefault(part, Usual({}, {}))
    _expect(usual, last, types)


def invalid(fields: dict[str, Any], declared: DeclaredTypes) -> list[str]:
    """Which fields of an event cannot be what they should: those that were left out or cut, and those which the rules
    want to be of another type."""
    if INVALID_FIELDS not in fields and is_usual(fields, declared.usual):
        return []
    names: list[str] = [*fields[INVALID_FIELDS]] if INVALID_FIELDS in fields else []
    for name, path, first, types in declared.fields:
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
