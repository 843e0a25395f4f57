"""Words that are spelled to hide them: l.e.t.t.e.r by letter, with d1g1ts and ca$h in place of letters."""

import re

_APART = re.compile(r"(?<![^\W_])\w(?:[\W_]{1,8}\w(?![^\W_])){2,}+")
_WORDS = bytes(ord("a") if chr(code).isalnum() else ord(" ") for code in range(128)) + b" " * 128
_FEW = 200
"""Of more letters in a row the first two tell how they are spaced."""

_BETWEEN = re.compile(r"([\W_]+)")

_MONEY = dict(zip("€¥£₣₤₦₱₩₭₮₥₵¢฿₿₲₳₴₽₡₫₹", "eylflnpwktmccbbgaspcdr", strict=True))
_PAID = re.compile(
    f"(?<=[^\\W\\d_])[{''.join(_MONEY)}]+(?![\\d{''.join(_MONEY)}])|(?<![\\d\\w])[{''.join(_MONEY)}]+(?=[^\\W\\d_])"
)
"""Signs of money within a word; beside a number they are what they are."""

_LEET = re.compile(
    r"(?<![\\\w])[a-z]+(?:[013457$]{1,2}[a-z]+)+[0135]{0,2}(?!\w)|(?<=(?<![\\\w])[a-z]{2})(?:33|00)(?!\w)"
)
_LETTER_LIKE = re.compile(r"[013457$]")
_CASH = re.compile(r"(?<=[a-z])@(?=[a-z]+(?![\w.@\\-]))")
_ESCAPED = re.compile(r"(\\x\{[^}]*\}|\\x..|\\[pP]\{\w+\}|\\.|\(\?[^:)]*[:)>]?)")
_LETTERS = str.maketrans("013457$", "oieasts")

_SIGNS = r"!*+,^_`|~'\-"
_PARTED = re.compile(rf"(?<![\w@./:=])[^\W\d_]++(?:[{_SIGNS}]{{1,3}}[^\W\d_]++)++(?![./:=@]\w)")
"""Words with signs within. What dots, slashes and the like hold together is an address or a setting, and no word."""

_EDGES = "!#()*+,./:;=?[]^_`{|}~'\"-<>&$%@0123456789"
_SIGN = re.compile(f"[{_SIGNS}]+")
_SYMBOLS = "[\u00a1-\u00a9\u00ab-\u00b1\u00b4-\u00b9\u00bb-\u00bf\u2010-\u2bff\u3001-\u303f\U0001f000-\U0001faff]+"
_GLUED = re.compile(rf"(?<![^\W_])[^\W_]++(?:{_SYMBOLS}+[^\W_]++)++")
"""Words that signs of no alphabet hold together: pictures, middle dots, quotation marks."""

_SYMBOL = re.compile(_SYMBOLS)
_FRAMED = re.compile(r"[(\[{][^\W\d_]?[)\]}]")
_FRAMED_IN_WORD = re.compile(r"(?<=[^\W\d_])(?:[(\[{][^\W\d_]?[)\]}])+(?=[^\W\d_])")


def joined(text: str) -> str:
    """A text whose words are not written letter by letter."""
    if text.isascii() and b" a a a " not in b" %b " % b" ".join(text.encode().translate(_WORDS).split()):
        return text
    return _APART.sub(_joined, text)


def without_frames(text: str) -> str:
    """A text without the brackets around some letters of a word, fr(e)e; empty ones within a word are an o."""
    if not _FRAMED.search(text):
        return text
    return _FRAMED_IN_WORD.sub(lambda match: _FRAMED.sub(lambda frame: frame[0][1:-1] or "o", match[0]), text)


def glued(text: str) -> str:
    """Behind a text its words that have signs of ASCII within, without these: fr-ee money may be free-money too."""
    parts = [part for token in text.split() if not token.isalpha() and not token.strip(_EDGES).isalpha()
             for part in _PARTED.findall(token)]  # fmt: skip
    return "\n".join((text, *(_SIGN.sub("", part) for part in parts))) if parts else text


def parted(text: str) -> str:
    """Behind a text the words that other signs hold together, each by itself: free💰money may be fr💰ee too."""
    parts = [part for token in text.split() if not token.isascii() and not token.isalpha()
             for part in _GLUED.findall(token)]  # fmt: skip
    return "\n".join((text, *(_SYMBOL.sub(" ", part) for part in parts))) if parts else text


def in_letters(text: str) -> str:
    """A text in small letters, with letters for the digits and signs that stand for them: between letters of ASCII, and
    behind these in the same word. What has one digit at its end, or more than two in a row, is a name: mp3, x1000y."""
    if "@" in text:
        text = _CASH.sub("a", text)
    if not _LETTER_LIKE.search(text):
        return text
    return " ".join([_in_letters(part) if _LETTER_LIKE.search(part) else part for part in text.split(" ")])


def _in_letters(text: str) -> str:
    return _LEET.sub(lambda match: match[0].translate(_LETTERS), text)


def pattern_in_letters(pattern: str) -> str:
    """A regular expression for what `in_letters` gives: what it spells out, spelled the same."""
    parts = _ESCAPED.split(_CASH.sub("a", pattern))
    parts[::2] = map(_in_letters, parts[::2])
    return "".join(parts)


def without_money(text: str) -> str:
    """A text with letters for the signs of money that stand for them: fr€€."""
    return _PAID.sub(lambda match: "".join(map(_MONEY.__getitem__, match[0])), text)


def _joined(match: re.Match[str]) -> str:
    """Signs between letters go; blanks do where there are no signs, those that most are. The others part words."""
    parts = _BETWEEN.split(match[0])
    between = parts[1::2]
    bare = any(not any(map(str.isspace, sign)) for sign in between)
    if not between[0].isspace() and parts[0].isdecimal():
        return match[0]  # 1.2.3
    usual = max(between, key=lambda sign: (between.count(sign), -len(sign))) if len(between) < _FEW else between[0]
    for place, sign in enumerate(between):
        goes = not any(map(str.isspace, sign)) if bare else sign == usual
        parts[2 * place + 1] = "" if goes else " "
    return "".join(parts)
