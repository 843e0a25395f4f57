"""The body of a request, from the JSON that a declaration has for it.

A text that is `$name` and nothing else stands for a value. What an event says takes the place of such a text as a
whole, as a value: it is never a part of another text, so it cannot change what stands around it.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

_MOST_DEPTH = 32
_PLACE = re.compile(r"\$([A-Za-z_]\w*)")

SENT, SENT_JSON, PROMPT = "sent", "sent_json", "prompt"
"""All that is sent, as an object (as a list of them in batches); the same as one text of JSON; the prompt's file."""


class Template:
    """`written`: what the declaration has; `names`: those of the values that it may name. Raises ValueError."""

    def __init__(self, written: Any, names: Collection[str]) -> None:
        self._written, self._names = written, frozenset(names)
        self.named: set[str] = set()
        """What it names."""
        self._look(written, _MOST_DEPTH)

    def fill(self, values: Mapping[str, Any]) -> Any:
        """The body, with these values."""
        return _filled(self._written, values)

    def _look(self, written: Any, depth: int) -> None:
        if not depth:
            raise ValueError(f"`request` is nested more than {_MOST_DEPTH} deep")
        if isinstance(written, dict):
            for inner in written.values():
                self._look(inner, depth - 1)
        elif isinstance(written, list):
            for inner in written:
                self._look(inner, depth - 1)
        elif isinstance(written, str) and written.startswith("$") and not written.startswith("$$"):
            place = _PLACE.fullmatch(written)
            if place is None or place[1] not in self._names:
                known = ", ".join(f"${name}" for name in sorted(self._names))
                raise ValueError(
                    f"`request` has `{written}`; there are {known}, and `$$` for a text that begins with $"
                )
            self.named.add(place[1])


def _filled(written: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(written, dict):
        return {name: _filled(inner, values) for name, inner in written.items()}
    if isinstance(written, list):
        return [_filled(inner, values) for inner in written]
    if isinstance(written, str) and written.startswith("$"):
        return written[1:] if written.startswith("$$") else values[written[1:]]
    return written
