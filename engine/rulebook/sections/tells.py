"""Texts for users: `tell`, with names in braces whose values are filled in when a rule acts."""

import re
from collections.abc import Iterator

from engine.core.domain.tells import Place, Tell
from engine.rulebook.language.nodes import Ref
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

MAX_PLACES = 8
UNKNOWN = "?"
"""What stands for a value that is not known, where the text does not say better."""

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WRITTEN = {"{{": "{", "}}": "}"}


def read_tell(declared: Declarations, node: Node) -> tuple[Tell | None, list[Ref]]:
    """The text in a node, and the names in it. None and an error where there is none."""
    report = declared.diagnostics
    if not isinstance(node.scalar, str) or node.text is None:
        report.error(node.span, f"`tell` is a text, this is {node.kind}")
        return None, []
    parts, refs = list[str | Place](), list[Ref]()
    for part in _parts(node.text):
        if isinstance(part, str):
            parts.append(part)
            continue
        name, has_default, default = part.group(1).partition("|") if part.group(1) is not None else ("", "", "")
        if not name.strip():
            hint = "a name: {posts_1m}, or {posts_1m|many}; a brace itself is written twice"
            report.error(node.span, f"`{part.group()}` names nothing to tell", hint)
            continue
        ref = declared.resolve(name.strip(), node.span)
        if ref is not None:
            refs.append(ref)
            parts.append(Place(ref.written, default.strip() if has_default else UNKNOWN))
    if len(refs) > MAX_PLACES:
        report.error(node.span, f"a text for users has places for at most {MAX_PLACES} values")
    return Tell(tuple(parts)), refs


def _parts(text: str) -> Iterator[str | re.Match[str]]:
    """Plain texts, and what stands in braces."""
    end = 0
    for match in _BRACES.finditer(text):
        yield text[end : match.start()]
        yield _WRITTEN.get(match.group(), match)
        end = match.end()
    yield text[end:]
