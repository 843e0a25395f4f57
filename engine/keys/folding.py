"""Characters as the letters that they look like: in small ASCII where there is one, without accents."""

import re
import unicodedata
from functools import cache

from engine.keys.characters import passing, without_unseen

MARKED_SCRIPTS = (*range(0x0900, 0x0F00, 0x80), 0x1000, 0x1780)
"""Where the scripts begin whose vowels are marks; Burmese and Khmer are the longer ones."""

_MAX_EXPANSION = 4
"""Letters that one character stands for (ﷺ is a sentence of eighteen)."""

_JAMO = re.compile("[\u1100-\u11ff]{2,}")
_HANGUL = re.compile("[\u1100-\u11ff]")


def folded(text: str) -> str:
    """A text with what is left of each of its characters."""
    return text.translate(_FOLDS)


def composed(text: str) -> str:
    """A text whose Korean letters that are written one by one are syllables."""
    if not _HANGUL.search(text):
        return text
    return _JAMO.sub(lambda match: unicodedata.normalize("NFC", match[0]), without_unseen(text))


class _Folds(dict[int, str | int | None]):
    """What is left of each character outside ASCII; learned as they come. What is never a letter is not kept."""

    def __missing__(self, code: int) -> str | int | None:
        if code < 128:
            self[code] = chr(code).lower()
        elif 0x20000 <= code < 0x40000:
            return code
        else:
            category = unicodedata.category(chr(code))
            if category in ("Cn", "Co", "Cs"):
                return None
            self[code] = _fold(chr(code))
        return self[code]


_FOLDS = _Folds()


def _fold(character: str) -> str | int:
    """A character as its letters look. Marks of Indian and Thai vowels stay; accents go, and so does what is not seen
    or only lengthens, repeats or marks a letter (Arabic kashida, \u02bc)."""
    if character.isspace() or character in "\u2800\x85":
        return " "
    look = passing()
    if ord(character) not in look:
        character = without_unseen(unicodedata.normalize("NFKD", character).replace("\u0345", ""))
    decomposed = unicodedata.normalize("NFKD", character.casefold().translate(look)).translate(look).casefold()
    if "\u1100" <= decomposed[:1] <= "\u11ff":
        decomposed = unicodedata.normalize("NFC", decomposed)
    return "".join(part for part in decomposed.translate(look) if _is_kept(part))[:_MAX_EXPANSION]


def _is_kept(character: str) -> bool:
    if character.isascii() or _is_vowel(character):
        return True
    return character.isalpha() and unicodedata.category(character) != "Lm"


@cache
def vowel_marks() -> str:
    """The vowels that Indian scripts and those east of them write as marks."""
    codes = (code for first in MARKED_SCRIPTS for code in range(first, first + 0xA0))
    return "".join(chr(code) for code in codes if _is_vowel(chr(code)))


def _is_vowel(mark: str) -> bool:
    return ("\u0900" <= mark <= "\u0eff" or "\u1000" <= mark <= "\u109f" or "\u1780" <= mark <= "\u17ff") and (
        unicodedata.category(mark) in ("Mn", "Mc")
    )
