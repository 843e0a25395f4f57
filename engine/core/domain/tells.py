"""What users may be told of an action: a text with places for what the decision saw, filled when it is made."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.core.values.bounds import AtLeast

MAX_VALUE_CHARS = 100

_UNREADABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufeff\uffa0\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
"""What is no part of what a person reads: control characters, line ends, and what turns or hides a text."""


class Place(NamedTuple):
    """Where a value stands in a text. `default`: what stands there when it is unknown."""

    name: str
    default: str


class Tell(NamedTuple):
    """A text in parts."""

    parts: tuple[str | Place, ...]

    @property
    def is_filled(self) -> bool:
        """Whether there is a place in it."""
        return any(isinstance(part, Place) for part in self.parts)


class Told(NamedTuple):
    """A text and what the decision saw, by name."""

    tell: Tell
    values: Mapping[str, Any]

    def text(self, reveal: Callable[[str], str] = str) -> str:
        """The text as users read it. `reveal`: what gives pseudonyms their ids back."""
        return "".join(part if isinstance(part, str) else self._value(part, reveal) for part in self.tell.parts)

    def _value(self, place: Place, reveal: Callable[[str], str]) -> str:
        value = self.values.get(place.name)
        if isinstance(value, str):
            value = _UNREADABLE.sub(" ", reveal(value)).strip()
            cut = f"{value[: MAX_VALUE_CHARS - 1]}…" if len(value) > MAX_VALUE_CHARS else value
            return cut or place.default
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, AtLeast):
            return f"at least {_number(value.least)}"
        return _number(value) if isinstance(value, int | float) else place.default


def _number(number: float) -> str:
    """3, 12,345 or 0.6667."""
    return f"{number:,.0f}" if type(number) is int or 1e4 <= abs(number) < 1e15 else f"{number:.4g}"
