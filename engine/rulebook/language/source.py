"""YAML as nodes that know where they stand, without YAML's traps.

The scalars of YAML 1.1 that surprise people are errors here, not values: yes/no/on/off, sexagesimal
numbers, anchors and aliases, tags, merge keys, and keys that occur twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.rulebook.language.diagnostics import Diagnostics, Span

Scalar = str | int | float | bool | None

MAX_DEPTH = 40
MAX_DIGITS = 18

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_A_BOOLEAN = re.compile(r"^((?i:yes|no|on|off)|True|TRUE|False|FALSE|Null|NULL)$")
_SEXAGESIMAL = re.compile(r"^[0-9]+(:[0-5]?[0-9])+$")
_INTEGER = re.compile(r"^[-+]?[0-9][0-9_]*$")
_FLOAT = re.compile(r"^[-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?$")


_INDENTED = (
    "this line is indented otherwise than those above, or what begins with a quote goes on behind it:"
    " put the whole expression in single quotes: '…'"
)
_MEANT = {
    "mapping values": "put a text with a colon in single quotes: '…'",
    "expected ',' or '}'": "between { and } an expression with brackets, commas or quotes stands in single quotes: '…'",
    "expected ',' or ']'": "between [ and ] an expression with brackets or quotes stands in single quotes: '…'",
    "that cannot start any token": "begin a text with this sign in quotes: '…'; indent with blanks, not with tabs",
    "expected '-' indicator": "an expression that begins with a quote stands in single quotes as a whole: '…'",
    "expected <block end>": _INDENTED,
    "expected key": _INDENTED,
    "could not find expected ':'": "a key has a colon and a blank behind it: `key: value`",
    "while scanning a simple key": "a key has a colon and a blank behind it: `key: value`",
}
"""By what YAML says, what is mostly meant."""


@dataclass(slots=True)
class Node:
    """A scalar, a list or a mapping of the source. `text` is a scalar as it was written."""

    span: Span
    text: str | None = None
    scalar: Scalar = None
    items: list["Node"] | None = None
    entries: dict[str, "Node"] | None = None
    keys: dict[str, Span] = field(default_factory=dict)
    exact: bool = True
    """Whether each character of `text` stands in the file where the span says: one line, no escapes."""

    @property
    def kind(self) -> str:
        """How an error message calls it."""
        if self.entries is not None:
            return "a mapping"
        if self.items is not None:
            return "a list"
        return "nothing" if self.scalar is None else f"`{self.text}`"

    def walk(self) -> Iterator["Node"]:
        """The items of a list, or the node itself: one value may stand for a list of one."""
        yield from self.items if self.items is not None else [self]

    def plain(self) -> Any:
        """The value as plain Python data."""
        if self.entries is not None:
            return {key: node.plain() for key, node in self.entries.items()}
        if self.items is not None:
            return [node.plain() for node in self.items]
        return self.scalar


def parse(file: str, text: str, diagnostics: Diagnostics) -> Node | None:
    """The document in `text`; None when it is empty or cannot be parsed (then there is an error)."""
    try:
        if not _harmless(file, text, diagnostics):
            return None
        root = yaml.compose(text, _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        span = Span(file, mark.line, mark.column) if mark else Span(file, 0, 0)
        hint = next((hint for sign, hint in _MEANT.items() if sign in problem), None)
        diagnostics.error(span, f"this is not valid YAML: {problem}", hint)
        return None
    return None if root is None else _node(file, root, diagnostics)


def _harmless(file: str, text: str, diagnostics: Diagnostics) -> bool:
    """Whether it may be composed: aliases can be expanded without end, and depth costs stack."""
    depth, harmless = 0, True
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark: Any = event.start_mark
                span = Span(file, mark.line, mark.column)
                diagnostics.error(span, f"this YAML is nested more than {MAX_DEPTH} levels deep")
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        harmless &= getattr(event, "anchor", None) is None
        _refuse_traps(file, event, diagnostics)
    return harmless


def _refuse_traps(file: str, event: Any, diagnostics: Diagnostics) -> None:
    if getattr(event, "anchor", None) is not None:
        span = Span(file, event.start_mark.line, event.start_mark.column, len(event.anchor) + 1)
        diagnostics.error(span, "anchors and aliases are not allowed in rulebooks", "write the value out")
    elif getattr(event, "tag", None) is not None:
        span = Span(file, event.start_mark.line, event.start_mark.column, len(event.tag))
        diagnostics.error(span, "tags are not allowed in rulebooks", "`!` begins one; for the opposite write: not x")


def _node(file: str, node: Any, diagnostics: Diagnostics) -> Node:
    start, end = node.start_mark, node.end_mark
    width = end.column - start.column if end.line == start.line else 1
    span = Span(file, start.line, start.column, max(1, width))
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node, span, diagnostics)
    if isinstance(node, yaml.SequenceNode):
        return Node(span, items=[_node(file, item, diagnostics) for item in node.value])
    quoted = node.style in ("'", '"')
    if quoted and width > 2:
        span = Span(file, start.line, start.column + 1, width - 2)
    scalar = node.value if quoted or node.style in ("|", ">") else _scalar(node.value, span, diagnostics)
    exact = start.line == end.line and width == len(node.value) + 2 * quoted
    return Node(span, text=node.value, scalar=scalar, exact=exact)


def _mapping(file: str, node: Any, span: Span, diagnostics: Diagnostics) -> Node:
    made = Node(span, entries={})
    assert made.entries is not None
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
        key_span = Span(file, mark.line, mark.column, max(1, len(key)))
        if not key:
            diagnostics.error(key_span, "a key must be a name")
        elif key in made.entries:
            diagnostics.error(
                key_span, f"`{key}` is here twice, first on line {made.keys[key].line + 1}", "rename one of them"
            )
        else:
            made.keys[key] = key_span
            made.entries[key] = _node(file, value_node, diagnostics)
    return made


def _scalar(text: str, span: Span, diagnostics: Diagnostics) -> Scalar:
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _NOT_A_BOOLEAN.match(text):
        diagnostics.error(
            span, f"`{text}` could be a word or a truth value", 'write true or false, or quote it: "' + text + '"'
        )
        return text
    if _SEXAGESIMAL.match(text):
        diagnostics.error(
            span, f"`{text}` could be a time or a number", 'write a duration such as 90s, or quote it: "' + text + '"'
        )
        return text
    if len(text) > MAX_DIGITS and (_INTEGER.match(text) or _FLOAT.match(text)):
        diagnostics.error(span, f"a number has at most {MAX_DIGITS} digits")
        return None
    if _INTEGER.match(text):
        return int(text.replace("_", ""))
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text
