"""Patterns of RE2: whether they are valid, and whether they can mean what they say."""

import re

import re2

from engine.keys.keywords import unmasked
from engine.keys.spellings import pattern_in_letters
from engine.rulebook.language.diagnostics import Diagnostics, Span

_EDGE = re.compile(r"\\b(?:\(\?:)?[^\x00-\x7f]|[^\x00-\x7f][)+*?]*\\b")
"""A word boundary beside a letter outside ASCII."""

_NO_LETTERS = re.compile(r"\\[pP](?:\{\w+\}|[A-Z])|\\.|\(\?[a-zA-Z<:]+")


_ELSEWHERE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\(\?(?:[=!]|<[=!])"),
     'RE2 looks neither ahead nor behind: ask in two clauses, such as text matches "a" and not text matches "b"'),
    (re.compile(r"\\[1-9]|\\k<|\(\?P="),
     "RE2 refers to nothing before: repeats(text) is the longest run of one character"),
    (re.compile(r"\\[pP]\{(?:Emoji|Extended_Pictographic)"), r"write [\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}]"),
    (re.compile(r"\\u"), r"a character by its number is \x{202E}"),
    (re.compile(r"[*+?}]\+|\(\?>"), "RE2 needs no possessive repetition: leave the second sign out"),
    (re.compile(r"^[*+?]|[(|][*+?]"), 'a repetition needs something before it: ".*" is anything'),
)  # fmt: skip
"""What patterns of other engines have, and what to write here."""

MAX_USUAL_SIZE = 1_000
"""Of the program of a pattern. RE2 falls back to a time in proportion to it where a text leads to too many states, as
it may where repetitions are counted."""

_COUNTED = re.compile(r"\{[0-9]+,[0-9]+\}")

_NO_REFERENCE = re.compile(r"\)\\\\[1-9]")


def compiles(pattern: str, place: Span, diagnostics: Diagnostics) -> bool:
    """Whether it is a pattern; if not, that is reported."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        size = re2.compile(pattern, options).programsize
    except re2.error as error:
        hint = next((hint for sign, hint in _ELSEWHERE if sign.search(pattern)), None)
        diagnostics.error(place, f"this pattern is not valid (RE2): {_error_text(error)}", hint)
        return False
    if size > MAX_USUAL_SIZE and _COUNTED.search(pattern):
        message = "a sender's longest text may take this pattern a tenth of a second, or seconds"
        diagnostics.warning(place, message, "write shorter gaps, such as .{0,20}, or ask in two clauses")
    if _NO_REFERENCE.search(pattern):
        message = "two backslashes stand for one sign: this looks for a backslash and a digit"
        diagnostics.warning(place, message, "patterns refer to nothing before: repeats(text) is the longest run")
    return True


def warn_of_capitals(function: str, pattern: str, place: Span, diagnostics: Diagnostics) -> None:
    """Warn of capitals that are looked for where a function has left none."""
    if not pattern.startswith("(?i") and re.search("[A-Z]", _NO_LETTERS.sub("", pattern)):
        diagnostics.warning(place, f"{function}() has no capitals: this never matches", "write small letters")


def as_skeleton(pattern: str, place: Span, diagnostics: Diagnostics) -> str:
    """A pattern for what skeleton() gives: with its letters as these look."""
    warn_of_capitals("skeleton", pattern, place, diagnostics)
    return pattern_in_letters("".join(unmasked(letter) if not letter.isascii() else letter for letter in pattern))


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
