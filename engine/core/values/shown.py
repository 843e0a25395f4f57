"""Texts from outside, as a terminal may have them."""

import re

# C0 but tab and line feed, DEL, C1; line and paragraph separators; what turns the direction of a line; halves of
# surrogate pairs, which no terminal can encode.
_EXECUTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    """A text as a terminal may have it: what a terminal would execute is spelt as JSON does, `\\u001b`."""
    return _EXECUTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
