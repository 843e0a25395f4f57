"""Characters as a reader sees them: without invisible ones, in ASCII where they look like it, in linear time."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

_INVISIBLE = (
    "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164"
    "\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: shown as nothing, wherever they stand."""

_CONTROLS = "\\x00-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f"
_OVERLAYS = "\\u0332-\\u0338\\u0489\\u20d0-\\u20f0"
"""Marks that strike a letter through or frame it; it stays the letter that it is."""

_UNSEEN = re.compile(f"[{_INVISIBLE}{_CONTROLS}{_OVERLAYS}]+")
_UNSEEN_ASCII = re.compile("[\\x00-\\x08\\x0e-\\x1b\\x7f]+")
_BLANK_SIGNS = re.compile("[\\u2800\\u2422\\u2423]+")
"""Shown as a blank, though Unicode calls them signs."""

_STYLED = re.compile(
    "[\\u00aa\\u00b2\\u00b3\\u00b9\\u00ba\\u0262\\u026a\\u0274\\u0276\\u0280\\u028f\\u0299\\u029c\\u029f\\u02b0-\\u02b8"
    "\\u02e1-\\u02e3\\u1d00-\\u1d7f\\u1dbb\\u2024\\u2070-\\u209c\\u2100-\\u218f\\u2460-\\u24ff\\u2776-\\u2793\\ua730"
    "\\ua731\\ua7af\\ua7f1-\\ua7f4\\ufe52-\\ufe6b\\uff01-\\uff5e\\uff61\\U0001d400-\\U0001d7ff\\U0001f100-\\U0001f18f"
    "\\U0001fbf0-\\U0001fbf9]"
)
_SMALL_CAPITALS = dict(
    zip(
        map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ"),
        "abcdefghijklmnopqrstuvwyz",
        strict=True,
    )
)


_ALIKE = dict(
    zip(
        map(ord, "ғєґяипшщьўїłđħøŧƀɇɍɏɽɛəǝʁɹɯʌƨʇƒɠɦʄʂʋɲɳɱɓƈɗƥƭƴƙᥱᗩᗷᑕᗪᗴᖴᘜᕼᒍᛕᒪᗰᑎᗝᑭᑫᖇᑌᐯᗯᘔεηωπτκ"),
        "fegrnnwwbyildhotberyreeerrmvstfghfsvnnmbcdptykeabcdefghjklmnopqruvwzenwntk",
        strict=True,
    )
)
"""What passes for a letter in words of others, though Unicode does not say so."""

_DRAWN = {
    **dict.fromkeys("○◯⚪⚫●⬤◉◎⭕\u3007°º口ロの", "o"), **dict.fromkeys("Σ∑∃Ξ∈", "e"), **dict.fromkeys("Λ∆Δ∀", "a"),
}  # fmt: skip
_DRAWING = re.compile(f"(?<=[A-Za-z])[{''.join(_DRAWN)}]{{1,3}}(?=[A-Za-z])|(?<=[A-Za-z])[Σ∑∃Ξ]+|[∑∃]+(?=[A-Za-z])")
"""What is drawn in place of a letter, between others. At the edge of a word it may be what it is."""

_PASSED_IN_WORDS = dict(zip(map(ord, "МТКВНмтквнΜΖΒΗμζβ"), "mtkbhmtkbhmzbhmzb", strict=True))
_BESIDE_LATIN = re.compile(r"[A-Za-z](?:[^\x00-\x7f]|(?<=[^\x00-\x7f][A-Za-z]))")
_MAY_PASS = re.compile(f"[{''.join(map(chr, _PASSED_IN_WORDS))}]")
_MIXED = re.compile(
    f"(?<![^\\W\\d_])(?=[^\\W\\d_]*?[A-Za-z])[^\\W\\d_]*?[{''.join(map(chr, _PASSED_IN_WORDS))}][^\\W\\d_]*+"
)
"""Words with letters that pass for one beside Latin ones alone: in Cyrillic, `вот` is no `bot`."""

_FIRST_FLAG = 0x1F1E6
_LONE_FLAG = re.compile("(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff](?![\U0001f1e6-\U0001f1ff])")
"""Two of these letters are a flag, one is a letter."""

_MAY_BE_DRAWN = re.compile(f"[\U0001f1e6-\U0001f1ff{''.join(_DRAWN)}]")

_BACKWARDS = re.compile("\u202e([^\u202a-\u202e\u2066-\u2069\\n]{1,512})[\u202a-\u202e\u2066-\u2069]?")


def forwards(text: str) -> str:
    """A text whose letters are shown backwards, as they are shown."""
    return _BACKWARDS.sub(lambda match: match[1][::-1], text) if "\u202e" in text else text


def unmixed(text: str) -> str:
    """A text with Latin letters for those of other alphabets that pass for them in the words of Latin letters."""
    if not _BESIDE_LATIN.search(text) or not _MAY_PASS.search(text):  # most texts have no word of two alphabets
        return text
    return _MIXED.sub(lambda match: match[0].translate(_PASSED_IN_WORDS), text)


def spelled(text: str) -> str:
    """A text with letters for what is drawn in their place: m○ney, and for half a flag."""
    if not _MAY_BE_DRAWN.search(text):
        return text
    text = _LONE_FLAG.sub(lambda match: chr(ord("a") + ord(match[0]) - _FIRST_FLAG), text)
    return _DRAWING.sub(lambda match: "".join(map(_DRAWN.__getitem__, match[0])), text)


def without_unseen(text: str) -> str:
    """A text without what is shown as nothing. Blanks stay."""
    return _UNSEEN.sub("", text)


def has_one(text: str, parts: Iterable[str]) -> bool:
    """Whether one of these stands in a text."""
    for part in parts:  # noqa: SIM110 - a generator is dearer, and every text is looked at
        if part in text:
            return True
    return False


def encodable(text: str) -> str:
    """A text without halves of characters, which have no bytes."""
    return text.encode("utf-8", "replace").decode()


def squeezed(text: str, most: int) -> str:
    """A text with nothing that cannot be seen, one blank for each run of white space, and at most about `most`
    characters: of a longer one the head and the tail, with a line break between them.

    What is invisible goes first, so no padding with it pushes anything out of what is read.
    """
    if text.isascii():
        if not text.isprintable():
            text = _UNSEEN_ASCII.sub("", text)
    else:
        text = _BLANK_SIGNS.sub(" ", without_unseen(text))
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most // 2]}\n{text[-(most // 2) :]}"


def unstyled(text: str) -> str:
    """A text with ASCII for its characters that are a style of it: full width, circled, mathematical, small capitals.
    One for one, so nothing grows; a dotted digit is the digit."""
    if text.isascii() or not _STYLED.search(text):
        return text
    return text.translate(_styles())


@cache
def _styles() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in (*range(0xAA, 0x300), *range(0x1D00, 0x2500), *range(0xFE50, 0xFF70), *range(0x1D400, 0x1D800)):
        _note(table, code)
    for code in (*range(0x2776, 0x2794), *range(0x1F100, 0x1F190), *range(0x1FBF0, 0x1FBFA)):
        _note(table, code)
    for first in (0x1F150, 0x1F170):  # white on black, which Unicode leaves unexplained
        table |= {first + index: chr(ord("a") + index) for index in range(26)}
    table |= {first + index: str(index + 1) for first in (0x2776, 0x2780, 0x278A) for index in range(9)}
    return table | _SMALL_CAPITALS


def _note(table: dict[int, str], code: int) -> None:
    plain = unicodedata.normalize("NFKC", chr(code))
    if plain.isascii() and (len(plain) == 1 or plain.strip("().").isalnum()):
        bare = plain if len(plain) == 1 else plain.strip("().,")
        if len(bare) == 1 and not bare.isspace():
            table[code] = bare


@cache
def look_alikes() -> dict[int, str]:
    """Characters outside ASCII that look like a letter or digit in it. Loaded when first needed."""
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415  # 40 ms that not every command needs

    table: dict[int, str] = {}
    for character, looks_like in confusables_data.items():
        if len(character) == 1 and not character.isascii():
            alike = [entry["c"] for entry in looks_like]
            plain = [text for text in alike if len(text) == 1 and text.isascii() and text.isalnum()]
            if plain:
                table[ord(character)] = plain[0].lower()
    return table | _SMALL_CAPITALS


@cache
def passing() -> dict[int, str]:
    """These and others that pass for a letter in a word, though nobody would take them for it alone: faux Cyrillic."""
    frames = range(0x2500, 0x2580)
    return {code: letter for code, letter in look_alikes().items() if code not in frames} | _ALIKE
