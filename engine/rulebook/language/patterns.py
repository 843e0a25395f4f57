"""Patterns of RE2: whether they are valid, and whether they can mean what they say."""

import re

import re2

from engine.keys.text import unmasked
from engine.rulebook.language.diagnostics import Diagnostics, Span

_EDGE = re.compile(r"\\b(?:\(\?:)?[^\x00-\x7f]|[^\x00-\x7f][)+*?]*\\b")
"""A word boundary beside a letter outside ASCII."""

_NO_LETTERS = re.compile(r"\\[pP](?:\{\w+\}|[A-Z])|\\.|\(\?[a-zA-Z<:]+")


def compiles(pattern: str, place: Span, diagnostics: Diagnostics) -> bool:
    """Whether it is a pattern; if not, that is reported."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        diagnostics.error(place, f"this pattern is not valid (RE2): {_error_text(error)}")
        return False
    return True


def as_skeleton(pattern: str, place: Span, diagnostics: Diagnostics) -> str:
    """A pattern for what skeleton() gives: with its letters as these look."""
    if not pattern.startswith("(?i") and re.search("[A-Z]", _NO_LETTERS.sub("", pattern)):
        diagnostics.warning(place, "skeleton() has no capitals: this never matches", "write small letters")
    return "".join(unmasked(letter) if not letter.isascii() else letter for letter in pattern)


def look_at_classes(pattern: str, place: Span, diagnostics: Diagnostics) -> None:
    """Warn of classes that know the letters of ASCII alone, beside others."""
    if pattern.isascii():
        return
    if _EDGE.search(pattern):
        message = r"`\b` knows the letters of ASCII alone: beside another letter it does not hold"
        diagnostics.warning(place, message, r"write (?:^|[^\p{L}])word(?:[^\p{L}]|$) instead of \bword\b")
    elif re.search(r"(?<!\\)\\[wWd]", pattern):
        message = r"`\w` and `\d` know the letters and digits of ASCII alone"
        diagnostics.warning(place, message, r"write [\p{L}\p{N}_] for \w and \p{Nd} for \d")


def _error_text(error: Exception) -> str:
    message = error.args[0] if error.args else error
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
