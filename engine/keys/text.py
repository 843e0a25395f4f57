"""Near-duplicate texts: keys that copies of one text share, whatever a spammer changes to tell them apart.

A text is reduced to its letters: case, spaces, punctuation, digits, links, invisible characters, accents and
look-alikes from other alphabets (Unicode's confusables) and from the keyboard (p4yp@l) make no difference.
Of all runs of RUN letters in what is left, the one whose hash is smallest is the key (min-hash; Broder, "On
the resemblance and containment of documents", 1997): two texts share it with a probability equal to the
share of runs that they have in common. Two hash functions give two keys; texts that share either are taken
for copies. `docs/decisions/0010-near-duplicate-text.md` has the rates measured on real texts.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from engine.keys.characters import normalized

MIN_LETTERS = 20
"""A shorter text is no evidence: many people say the same few words."""

MAX_LETTERS = 4_000
RUN = 12
"""Letters (bytes, outside ASCII) in a run. Shorter runs survive more edits and match more strangers."""

_DOMAIN = re.compile(r"\.(?:com|net|org|info|io|ru|xyz|top|site|shop|example)(?![a-z0-9])")
_IN_WORD = re.compile(r"(?<=\w)[@$!|](?=\w)")
_SIGNS = {"@": "a", "$": "s", "!": "i", "|": "i"}
_KEYBOARD = str.maketrans("01345789l", "oieastbgi")
_HALF = 8
_MIX = tuple(np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5))
_SHIFT = np.uint64(29)


def fingerprints(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The two keys of an event's `text`; none when it has too few letters."""
    text = fields.get("text")
    return text_keys(text) if type(text) is str else ()


def text_keys(text: str) -> tuple[str, ...]:
    """The keys of a text: equal for texts that share the run with the smallest hash."""
    letters = skeleton(text)
    if len(letters) < MIN_LETTERS:
        return ()
    data = letters.encode()
    words = np.ndarray((len(data) - _HALF + 1,), dtype="<u8", buffer=data, strides=(1,))
    runs = len(data) - RUN + 1
    hashes = (words[:runs] * _MIX[0]) ^ (words[RUN - _HALF : RUN - _HALF + runs] * _MIX[1])
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX[2]
    again = (hashes ^ (hashes >> _SHIFT)) * _MIX[3]
    first, second = int(hashes.min()), int((again ^ (again >> _SHIFT)).min())
    return f"a{first:016x}", f"b{second:016x}"


def skeleton(text: str) -> str:
    """The letters of a text as they look, in small ASCII letters where there is one that looks alike."""
    text = text[: 2 * MAX_LETTERS].casefold()
    if not text.isascii():
        text = normalized("NFKD", text.translate(_look_alikes())).casefold().translate(_look_alikes())
        text = "".join(character for character in text if unicodedata.category(character) not in ("Mn", "Cf"))
    text = _IN_WORD.sub(lambda match: _SIGNS[match.group()], " ".join(filter(_is_word, text.split())))
    return "".join(filter(str.isalpha, text.translate(_KEYBOARD)))[:MAX_LETTERS]


def _is_word(token: str) -> bool:
    """Neither a link nor a number, which are the first things that a spammer changes."""
    if "://" in token or token.startswith("www."):
        return False
    if "." in token and "@" not in token and _DOMAIN.search(token):
        return False
    return any(map(str.isalpha, token))


@cache
def _look_alikes() -> dict[int, str]:
    """Characters outside ASCII that look like a letter or digit in it. Loaded when first needed."""
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415  # 40 ms that not every command needs

    table: dict[int, str] = {}
    for character, looks_like in confusables_data.items():
        if len(character) == 1 and not character.isascii():
            plain = [one["c"] for one in looks_like if len(one["c"]) == 1 and one["c"].isascii() and one["c"].isalnum()]
            if plain:
                table[ord(character)] = plain[0].lower()
    return table
