"""Texts as keywords are looked for in them: as their reader takes them, whatever their writer does to hide a word."""

import re
from functools import cache

from engine.keys.characters import forwards, spelled, squeezed, unmixed, unstyled, without_unseen
from engine.keys.folding import composed, folded, vowel_marks
from engine.keys.markup import apart
from engine.keys.spellings import glued, in_letters, joined, parted, without_frames, without_money

MAX_READ = 20_000
"""So much of a text is read for keywords."""


def unmasked(text: str) -> str:
    """A text as its reader takes it, for keywords: in small letters, without what is not seen, accents and markup, in
    ASCII where a letter or sign passes for one of ASCII; one blank for all white space, none between l e t t e r s.

    Of more than MAX_READ characters the head and the tail."""
    return _in_small_letters(_shown(text))


def readings(text: str) -> str:
    """The same, and in lines behind it the other ways to read words that have signs within: `fr-ee` is free, and in
    `free💰money` two words stand. Addresses are read one way alone. At most four times as long."""
    shown = _shown(text)
    return glued(_in_small_letters(shown if shown.isascii() else parted(shown)))


def _shown(text: str) -> str:
    text, said = apart(forwards(text))
    text = without_unseen(" ".join((text, *said)) if said else text)
    text = squeezed(joined(without_frames(text if text.isascii() else unmixed(spelled(text)))), MAX_READ)
    return text if text.isascii() else without_money(unstyled(text))


def _in_small_letters(text: str) -> str:
    if text.isascii():
        return in_letters(text.lower())
    text = folded(composed(text))
    return in_letters(text if text.isascii() else _stray().sub("", text))


@cache
def _stray() -> re.Pattern[str]:
    """Finds marks of Indian and Thai vowels on Latin letters."""
    return re.compile(f"(?<=[a-z])[{vowel_marks()}]+")
