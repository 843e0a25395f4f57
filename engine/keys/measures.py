"""What can be measured of a text: how often a pattern occurs, which share of it is of a kind, how monotonous it is.

All of it takes time in proportion to the text, whatever is in it.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from math import log2
from sys import byteorder

from engine.core.values.bounds import AtLeast
from engine.keys.patterns import quietly_compiled

MAX_MATCHES = 250
"""So far matches are counted: each search may have to read the whole rest of a text."""

MAX_COMPARED = 64
"""So many characters of two names are compared."""

_CODES, _SURROGATES = 0x110000, range(0xD800, 0xE000)
_RUNS = re.compile(r"((.)\2++)", re.DOTALL)


@lru_cache(256)
def counting(pattern: str) -> Callable[[str], int | AtLeast]:
    """A function that counts the matches of a pattern in a text that do not overlap; "at least" where there may be more
    than MAX_MATCHES."""
    find = quietly_compiled(pattern).finditer

    def count(text: str) -> int | AtLeast:
        found = sum(1 for _ in islice(find(text), MAX_MATCHES))
        return found if found < MAX_MATCHES else AtLeast(found)

    return count


@lru_cache(256)
def extracting(pattern: str) -> Callable[[str], str]:
    """A function that gives what a pattern finds first in a text: its first group if it has one, else all of it. Empty
    where it finds nothing."""
    compiled = quietly_compiled(pattern)
    find, group = compiled.search, min(compiled.groups, 1)

    def extract(text: str) -> str:
        match = find(text)
        return (match[group] or "") if match is not None else ""

    return extract


@lru_cache(64)
def sharing(kind: str, among: str | None = None) -> Callable[[str], float]:
    """A function that gives the share of a text's characters that are of one kind (`[A-Z]`); with `among`, of those of
    that kind alone. 0 where the text has none."""
    if among is None:
        counted = members(kind)
        return lambda text: text.translate(counted).count("\1") / len(text) if text else 0.0
    considered = members(among)
    both = int.from_bytes(members(kind)) & int.from_bytes(considered)
    of_both = both.to_bytes(_CODES)

    def share(text: str) -> float:
        whole = text.translate(considered).count("\1")
        return text.translate(of_both).count("\1") / whole if whole else 0.0

    return share


@lru_cache(64)
def members(kind: str) -> bytes:
    """Of each character of Unicode, 1 where it is of a kind: a table for `str.translate`."""
    flags, spans = bytearray(_CODES), [(0, _SURROGATES.start), (_SURROGATES.stop, _CODES)]
    for begin, end in spans:
        characters = array("I", range(begin, end)).tobytes().decode(f"utf-32-{byteorder[0]}e")
        for match in quietly_compiled(f"(?s)(?:{kind})+").finditer(characters):
            first, behind = begin + match.start(), begin + match.end()
            flags[first:behind] = b"\1" * (behind - first)
    return bytes(flags)


def repeats(text: str) -> int:
    """The length of the longest run of one character."""
    return max((len(run) for run, _ in _RUNS.findall(text)), default=1 if text else 0)


def entropy(text: str) -> float:
    """Bits per character, by how often each occurs in the text itself; 0 for an empty text or one of one character."""
    size = len(text)
    return round(sum(-count / size * log2(count / size) for count in Counter(text).values()), 6) + 0.0


def similarity(left: str, right: str) -> float:
    """How much two names have in common: 1 less the share of characters that have to be added, dropped or replaced to
    make one of the other. Of each, MAX_COMPARED characters are read."""
    left, right = left[:MAX_COMPARED], right[:MAX_COMPARED]
    return 1 - _edits(left, right) / max(len(left), len(right), 1)


def _edits(left: str, right: str) -> int:
    """Levenshtein's distance, a column of its table at once in the bits of two numbers (Myers, 1999; Hyyrö, 2003)."""
    if not left or not right:
        return len(left) + len(right)
    whole, last = (1 << len(left)) - 1, 1 << len(left) - 1
    places: dict[str, int] = {}
    for place, character in enumerate(left):
        places[character] = places.get(character, 0) | 1 << place
    up, down, edits = whole, 0, len(left)
    for character in right:
        same = places.get(character, 0)
        level = (((same & up) + up) ^ up) | same | down
        more, fewer = down | ~(level | up) & whole, up & level
        edits += bool(more & last) - bool(fewer & last)
        more, fewer = more << 1 | 1, fewer << 1
        up, down = (fewer | ~(level | more)) & whole, more & level
    return edits
