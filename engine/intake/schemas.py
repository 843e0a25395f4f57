"""Schemas as a registry has them, and the languages in which they are written."""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Written(NamedTuple):
    """The text of a schema. `referred`: those that it refers to, by the names under which it does, the innermost
    first."""

    text: str
    referred: Mapping[str, str]


class Language(NamedTuple, Generic[T]):
    """`name`: as registries call it; `parse`: raises whatever it likes where a text is no schema."""

    name: str
    parse: Callable[[Written], T]
