"""Texts as their readers take them, before links are looked for in them."""

import re
import unicodedata

from engine.core.evaluation.choice import ranked
from engine.keys.characters import encodable, forwards, squeezed, unstyled
from engine.keys.disguises import undisguised
from engine.keys.domains import TOPS
from engine.keys.markup import without_markup
from engine.keys.places import addressed

MAX_TEXT_CHARS = 20_000
"""So much of a text is read: two fifths from either end, and a fifth of what may be links between them."""

_PERCENT = re.compile("%([2-7][0-9A-Fa-f])")
_USERINFO = re.compile(r"(?<=//)[^\s/?#\\@%]*+%[^\s/?#\\]*@")
"""What stands before a host and hides it where it is decoded: `//good.com%2F@evil.com`."""

_NUMBERED = re.compile(
    "[0-9#*]\ufe0f?\u20e3|(?<![/.0-9A-Za-z\u2460-\u24ff\u2776-\u2793-])[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793]+(?=[0-9A-Za-z])"
)
"""Numbers in circles and on keys: signs before a name, not a part of it."""

_WORD_ENDS = re.compile("[\\s,;|()<>\"'\u3000-\u3002\uff0c\uff1b]+")
_ENDINGS = re.compile(r"\.([^\W\d_]{2,24})(?![^\W_]|\.[^\W_])")
_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\ufe20-\ufe2f]")
_MARKS = re.compile(f"({_MARK.pattern}{{2}}){_MARK.pattern}+")


def readable(text: str) -> str:
    """A text as its reader takes it: without the invisible, dots and schemes where they are only described."""
    is_ascii = text.isascii()
    if not is_ascii:
        text = _NUMBERED.sub("\u2192", forwards(text))
    text = squeezed(text, max(len(text), 2))
    if len(text) > MAX_TEXT_CHARS:
        text = _abridged(text)
    text = without_markup(text if is_ascii else _without_stray_marks(unstyled(text)))
    text = undisguised(unquoted(text))
    return addressed(text) if "domain=" in text or "invite=" in text or "phone=" in text else text


def _without_stray_marks(text: str) -> str:
    """A text without the marks that make no letter with what they stand on. Of a heap of them two are looked at, as
    putting many in order takes time."""
    if not _MARK.search(text):
        return text
    return _MARK.sub("", unicodedata.normalize("NFC", _MARKS.sub(r"\1", text)))


def unquoted(text: str) -> str:
    """A text with its percent signs decoded where they stand for ASCII, twice, as links in links are now and then."""
    if "%" in text:
        text = _USERINFO.sub("", text)
        for _ in range(2):
            text = _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)
    return text


def with_plain_dots(text: str) -> str:
    """A text as browsers read hosts: styles of letters and dots are what they are a style of."""
    return unstyled(text.replace("\u3002", ".").replace("\uff61", ".")) if not text.isascii() else text


def _abridged(text: str) -> str:
    """Both ends of a text, and what may be links between them: of very much, what comes first by keyed hashes, so
    that nobody knows where to hide one."""
    text = encodable(text)
    end, left = 2 * MAX_TEXT_CHARS // 5, MAX_TEXT_CHARS // 5
    middle = [word for word in dict.fromkeys(_WORD_ENDS.split(text[end:-end])) if "." in word[:-1] or "//" in word]
    if sum(map(len, middle)) + len(middle) > left:
        likely = [word for word in middle if len(word) < left and ("//" in word or ends_in_top(word))]
        middle = []
        for word in ranked(likely):
            left -= len(word) + 1
            if left < 0:
                break
            middle.append(word)
    return f"{text[:end]}\n{' '.join(middle)}\n{text[-end:]}"


def ends_in_top(word: str) -> bool:
    """Whether a word may be a link by its end."""
    return any(top.lower() in TOPS for top in _ENDINGS.findall(word)) or not word.isascii()
