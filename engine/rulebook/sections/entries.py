"""The named things of a section: each is read once, and no two have one name."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from engine.core.values.identity import (
    CLOCK_SKEW,
    CONFLICTING_IDS,
    EVENT_TIME,
    IDENTITY_FIELDS,
    INVALID_FIELDS,
    TEXT_FIELDS,
)
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.nodes import Type
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

COMPUTED: dict[str, Type] = {
    EVENT_TIME: "time",
    CLOCK_SKEW: "duration",
    INVALID_FIELDS: "list",
    CONFLICTING_IDS: "bool",
}
"""What the engine finds out of each event."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
RESERVED = frozenset(
    ("true", "false", "score", "threshold", "params", "rule", "marked", "event", "lists", "banks", "and", "or", "not",
     "in", "matches", "known")
)  # fmt: skip
"""Words of the language."""
_BUILT_IN = frozenset((*IDENTITY_FIELDS, *TEXT_FIELDS, *COMPUTED, *KEY_SOURCES))
_NAMED_ALREADY = defaultdict(
    frozenset,
    fields=frozenset((*KEY_SOURCES, *COMPUTED)) - {"text", EVENT_TIME},
    values=_BUILT_IN,
    counters=_BUILT_IN,
    sequences=_BUILT_IN,
    tables=_BUILT_IN,
    derived=_BUILT_IN,
    scores=_BUILT_IN,
    clusters=_BUILT_IN,
    macros=_BUILT_IN,
)
PLAIN = ("fields", "values", "counters", "sequences", "derived", "scores", "macros")
"""Sections whose names stand in expressions, or in place of one, as they are."""


@dataclass(slots=True)
class Entry:
    """One named thing of a section, which is read once: in its turn, or when another one asks for it."""

    made: Declarations
    section: str
    name: str
    span: Span
    node: Node
    read_it: Callable[[str, Span, Node], None]
    is_read: bool = False

    def read(self) -> None:
        """Read it into the declarations, or report what is wrong with it."""
        made, section, name = self.made, self.section, self.name
        scope = name if section in PLAIN else f"{section}.{name}"
        if self.is_read:
            return
        self.is_read = True
        if not _NAME.fullmatch(name) or name in RESERVED:
            taken = (
                "it is a word of the rule language" if name in RESERVED else "names have small letters, digits and _"
            )
            made.diagnostics.error(self.span, f'"{name}" cannot be a name', taken)
        elif name in _NAMED_ALREADY[section]:
            made.diagnostics.error(self.span, f"`{name}` has a fixed meaning", "choose another name")
        elif scope in made.spans:
            first = made.spans[scope]
            made.diagnostics.error(self.span, f'"{name}" is declared twice, first in {first.file}:{first.line + 1}')
        else:
            made.spans[scope] = self.span
            made.reading.append((section, scope))
            self.read_it(name, self.span, self.node)
            made.reading.pop()


_NAMED = "each has its name before it, and no `- `: `post_flood: {event: post, …}`"


def entries_of_section(made: Declarations, node: Node, section: str) -> dict[str, Node]:
    """The names of a section, with what stands behind each."""
    if node.entries is None and (node.scalar is not None or node.items is not None):
        made.diagnostics.error(node.span, f"`{section}` must be a mapping of names, this is {node.kind}", _NAMED)
    return node.entries or {}
