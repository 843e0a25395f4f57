"""Unicode's normal forms, in linear time."""

import unicodedata
from typing import Literal

MAX_MARKS = 3
"""So many combining marks on one character are kept. To sort thousands of them takes quadratic time, and no
language needs more."""


def normalized(form: Literal["NFKC", "NFKD"], text: str) -> str:
    """A text in a compatibility form."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return unicodedata.normalize(form, "".join(kept))
