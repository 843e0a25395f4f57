"""Near-duplicate texts: keys that copies of one text share, whatever a spammer changes to tell them apart.

A text is reduced to its letters: case, spaces, punctuation, digits, links, invisible characters, accents and look-
alikes from other alphabets (Unicode's confusables) and from the keyboard (p4yp@l) make no difference. Of all runs of
12 bytes in what is left, the one whose hash is smallest is the key (`core/values/min_hashes.py`): two texts share it
with a probability equal to the share of runs that they have in common. Two hash functions give two keys; texts that
share either are taken for copies. `docs/decisions/0010-near-duplicate-text.md` has the rates measured on real texts.

The hash functions are drawn by a deployment's secret. Who knew them could look for words whose hash is smaller than
any text's, add two fresh ones to each copy, and no two copies would share a key.
"""

import re
import unicodedata
from array import array
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from engine.core.kernel import hash64, smallest_hashes
from engine.keys.characters import has_one, squeezed, unmixed
from engine.keys.folding import MARKED_SCRIPTS, composed, folded, vowel_marks
from engine.keys.markup import apart

MIN_LETTERS = 20
"""A text of fewer is no evidence: many people say the same few words. A Chinese character counts for two,
a Japanese or Korean syllable for one and a half."""

MAX_CHARS = 4_000
"""So much of a text is read, half of it from either end, once blanks and other signs in a row are one blank."""

WINDOW = 240
"""Of a text of more than twice as many bytes, one key is of so many at its head and the other of so many at its tail.
Keys of the whole of it would change with anything long that is put before or behind what is copied."""

_DOMAIN = re.compile(
    r"\.(?:com|net|org|info|io|ru|xyz|top|site|shop|online|club|vip|icu|click|store|live|link|me|co|cc|tk|gg|ly"
    r"|example)(?![a-z0-9])"
)
_IN_WORD = re.compile(r"(?<=\w)[@$!|](?=\w)")
_SIGNS = {"@": "a", "$": "s", "!": "i", "|": "i"}
_NUMBERS = re.compile(r"(?<!\S)[^\sa-z\x80-\U0010ffff]++(?!\S)")
"""Words without a letter."""

_JUNK = re.compile(r"[\W\d_]{9,}+")
_CIRCLES = "\u2460-\u249b\u24ea-\u24ff\u2776-\u2793"
_COUNTED = re.compile(
    f"(?<![0-9A-Za-z@$!|])[0-9{_CIRCLES}]++(?![0-9A-Za-z@$!|])"
    f"|(?<![0-9A-Za-z])[@$!|{_CIRCLES}]+|[@$!|{_CIRCLES}]+(?![0-9A-Za-z@$!|{_CIRCLES}])"
)
"""Digits and signs that stand for no letter, as none of ASCII is beside them: in scripts without blanks they are glued
to words."""

_COUNTABLE = re.compile(f"[0-9@$!|{_CIRCLES}]")
_DEAD = re.compile(
    "[\U00010000-\U000104af\U00010500-\U00010cff\U00010d40-\U000110ff\U00011150-\U0001e8ff\U0001e960-\U0001ffff]+"
)
"""Letters that nobody writes any more."""

_BETWEEN_LATIN = re.compile("([a-z])[\u0590-\u1dff\u2c00-\uffff]{1,2}(?=[a-z])")
"""Single letters of other scripts between Latin ones."""

_MARK = re.compile("[\u0900-\u0eff\u1000-\u109f\u1780-\u17ff]")
_SPELLED_MARKS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
"""Vowels of Thai and Lao that follow a letter as marks do, though Unicode calls them letters."""

_TONES = re.compile(f"[{''.join(chr(code) for code in range(0x900, 0x1800) if unicodedata.combining(chr(code)))}]+")
_ONE_SCRIPT = re.compile(
    "|".join(f"[{chr(first)}-{chr(first + (0x9F if first == 0x1000 else 0x7F))}]+" for first in MARKED_SCRIPTS)
)
_LETTERS = bytes.maketrans(b"01345789l", b"oieastbgi")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha() and chr(code) not in "01345789")
_NO_DIGITS = bytes(code for code in range(256) if not 48 <= code < 58)
_LEADS = bytes((*range(0xC0, 0xE0), 0xE3, *range(0xEA, 0xEE)))
"""Bytes of UTF-8 that say little more than the alphabet: without them, each letter of one is a byte, and each kana
and Korean syllable two."""

_INDIAN = re.compile(rb"\xe0[\xa4-\xbe]")
"""The same of scripts from India to Laos."""

_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
_PURPOSE = "near-duplicate texts"


def fingerprints(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The two keys of an event's `text`, and two of the text in its pictures (`media.text`); none of one that has too
    few letters."""
    text = fields.get("text")
    keys = text_keys(text, hash64(_PURPOSE)) if type(text) is str else ()
    return _with_pictures(keys, fields["media"]) if "media" in fields else keys


def own_fingerprints(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The same where texts of one user alone are compared: a `text` of fewer letters has a key of these very letters,
    or of its signs where it has no letter; who says the same few words again and again does just that."""
    text = fields.get("text")
    keys = text_keys(text, hash64(_PURPOSE)) if type(text) is str else ()
    if not keys and type(text) is str:
        said = skeleton(text) or "".join(squeezed(text, MAX_CHARS).split())
        keys = (f"c{hash64(said):016x}",) if said or text.strip() else ()
    return _with_pictures(keys, fields["media"]) if "media" in fields else keys


def _with_pictures(keys: tuple[str, ...], media: Any) -> tuple[str, ...]:
    text = media.get("text") if type(media) is dict else None
    if type(text) is not str:
        return keys
    return (*keys, *(key for key in text_keys(text, hash64(_PURPOSE)) if key not in keys))


def text_keys(text: str, key: int = 0) -> tuple[str, ...]:
    """The keys of a text: equal for texts that share the run with the smallest hash. `key`: the deployment's secret
    of 64 bits, the same wherever the keys are compared. Where tags say much, there are keys for both readings: with
    them, as it stands, and without, as it is shown where it is markup."""
    shown, said = apart(text)
    keys = _keys(_letters(shown), key)
    if said and sum(map(str.isalpha, "".join(said))) >= MIN_LETTERS:
        keys = tuple(dict.fromkeys((*keys, *_keys(_letters(text), key))))
    return keys


def _keys(letters: str, key: int) -> tuple[str, ...]:
    data = letters.encode()
    count = len(letters)
    if count + (len(data) - count) // 2 < MIN_LETTERS and len(data) < 2 * MIN_LETTERS:
        return ()
    if len(data) > count:
        data = _units(data)
        if count + (len(data) - count) // 2 < MIN_LETTERS:
            return ()
    first, second = smallest_hashes(data if len(data) <= 2 * WINDOW else data[:WINDOW], _factors(key))
    if len(data) > 2 * WINDOW:
        _, second = smallest_hashes(data[-WINDOW:], _factors(key))
    return f"a{first:016x}", f"b{second:016x}"


def skeleton(text: str) -> str:
    """The letters of a text as they look, in small ASCII letters where there is one that looks alike."""
    return _letters(apart(text)[0])


def _letters(text: str) -> str:
    if len(text) > MAX_CHARS:
        text = squeezed(text, len(text))
        if len(text) > MAX_CHARS:
            text = squeezed(_JUNK.sub(" ", text), MAX_CHARS)
    if text.isascii():
        text = text.lower()
    else:
        text = composed(text)
        text = folded(unmixed(_COUNTED.sub(" ", text) if _COUNTABLE.search(text) else text))
    if "." in text or "://" in text:
        text = _without_links(text)
    if "_" in text or text.encode().translate(None, _NO_DIGITS):
        text = _NUMBERS.sub("", text)
    if has_one(text, _SIGNS):
        text = _IN_WORD.sub(lambda match: _SIGNS[match[0]], text)
    letters = text.encode().translate(_LETTERS, _NO_LETTERS).decode()
    if letters.isascii():
        return letters
    letters = _BETWEEN_LATIN.sub(r"\1", _DEAD.sub("", letters))
    if not _MARK.search(letters):
        return letters
    letters = _TONES.sub("", letters)
    return letters if _ONE_SCRIPT.fullmatch(letters) else _marked().sub(_of_one_script, letters)


def _units(data: bytes) -> bytes:
    """A skeleton with as many bytes for each letter as it tells."""
    data = data.translate(None, _LEADS)
    return _INDIAN.sub(b"", data) if b"\xe0" in data else data


def _without_links(text: str) -> str:
    """Without the links, which are the first things that a spammer changes."""
    if "://" not in text and "www." not in text and not _DOMAIN.search(text):
        return text
    return " ".join(token for token in text.split() if not _is_link(token))


def _is_link(token: str) -> bool:
    if "://" in token or token.startswith("www."):
        return True
    return "." in token and "@" not in token and _DOMAIN.search(token) is not None


def _of_one_script(match: re.Match[str]) -> str:
    """A letter with the vowels of its script: marks of others stand on it by chance."""
    block = _block(match[1])
    return match[1] + "".join(mark for mark in match[2] if _block(mark) == block)


def _block(letter: str) -> int:
    code = ord(letter) if letter else 0
    return code >> 7 if not 0x1080 <= code < 0x10A0 else 0x1000 >> 7


@cache
def _marked() -> re.Pattern[str]:
    """Finds a letter and the marks behind it."""
    marks = vowel_marks() + _SPELLED_MARKS
    return re.compile(f"([^{marks}]?)([{marks}]+)")


@lru_cache(maxsize=8)
def _factors(key: int) -> "array[int]":
    """Those of the hash functions: odd numbers that only the key tells."""
    drawn = blake2b(digest_size=32, key=(key & (1 << 64) - 1).to_bytes(8, "little")).digest() if key else bytes(32)
    parts = (int.from_bytes(drawn[at : at + 8], "little") for at in range(0, 32, 8))
    return array("Q", ((constant ^ part) | 1 for constant, part in zip(_MIX, parts, strict=True)))
