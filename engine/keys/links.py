"""Links in texts: what clients make clickable, and what readers are meant to type.

A scheme makes a link wherever it stands, also glued to a word. Without one, a name is a link when its last label is a
public suffix and it does not look like a file, code, a forgotten blank between sentences, or a mail address; `www.` or
a path make it one all the same. The time is linear in the text: each pass is one regular expression whose
repetitions give nothing back, and names are examined in small numbers.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

from engine.keys.characters import look_alikes, squeezed, unstyled, without_unseen
from engine.keys.disguises import FILES, WEAK_LABELS, file_like, undisguised
from engine.keys.domains import TOPS
from engine.keys.tops import STRONG

MAX_TEXT_CHARS = 20_000
"""So much of a text is read: two fifths from either end, and of what lies between the words that have a dot or `//`."""

MAX_CANDIDATES = 512
"""So many different names of a text are looked at."""


class Link(NamedTuple):
    """A host as written, without user and port, what follows it, and whether it is a link whatever it looks like."""

    host: str
    path: str
    certain: bool


_BETWEEN = (
    "\\x00-,:-?\\[\\]^`{-\\xa9\\xab-\\xb4\\xb6-\\xb9\\xbb-\\xbf\\xd7\\xf7\\u060c\\u061b\\u061f\\u06d4\\u0964\\u0965"
    "\\u2000-\\u206f\\u2190-\\u21ff\\u2500-\\u25ff\\u3000-\\u3004\\u3008-\\u3020\\u3030\\u30fb\\ufe10-\\ufe1f"
    "\\ufe30-\\ufe6b\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65\\ufffc\\ufffd\\ud800-\\udfff"
)
"""Stands between words and names, in a character class. Not in it: `.`, `/`, `@` and `\\`."""

_LABEL = f"[^{_BETWEEN}./@\\\\]"
_TAIL = "[!#-&*+\\-.-:=?-Z\\\\_a-z~]*+"
"""Printable ASCII, without quotes, brackets, comma and semicolon."""

_SCHEME = r"(?:[hH](?:[tT][tT]|[xX][xX])[pP][sS]?:[/\\]*+|:?(?<!/)/{2,}+)"
_AUTHORITY = (
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]"
    "|[^\\s/\\\\?#<>\"'`()\\[\\]{}|,;\\u2000-\\u206f\\u3000-\\u3004\\u3008-\\u3020\\uff01-\\uff0f\\uff1a-\\uff20]++)"
)
_LINK = re.compile(
    rf"{_SCHEME}{_AUTHORITY}(?:[/?#\\&]{_TAIL})?"
    rf"|(?:(?<=[{_BETWEEN}])|(?<=[{_BETWEEN}.]\.))(?:{_LABEL}++/)?+{_LABEL}++(?:\.{_LABEL}++)++(?!@)(?::\d{{1,5}}+)?+(?:[/?]{_TAIL}|\(\)?)?"
)
_PROMISING = re.compile(r"\.[^ .]|//")
_STARTS = re.compile(_SCHEME)
_CARRIED = re.compile(r"([hH](?:[tT][tT]|[xX][xX])[pP][sS]?:[/\\]*|:?(?<!/)/{2,})")
_AUTHORITY_END = re.compile(r"[/?#\\&]")
_HOST_END = re.compile(f"[{_BETWEEN}]")
_BARE_END = re.compile(r"[/?:(]")
_PERCENT = re.compile("%([2-7][0-9A-Fa-f])")
_USERINFO = re.compile(r"(?<=//)[^\s/?#\\@%]*+%[^\s/?#\\]*@")
"""What stands before a host and hides it where it is decoded: `//good.com%2F@evil.com`."""

_ENTITY = re.compile("&#(?:[xX]([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_PATH = re.compile(r"/[^A-Za-z0-9]*+[A-Za-z0-9]|\?[^=]*+=")

_UNSPACED = (
    "\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff"
    "\\uf900-\\ufaff\\uff66-\\uffdc\\U00020000-\\U0003ffff"
)
"""Scripts that are written without blanks, or (Korean) with endings glued to names."""

_SYMBOLS = "\\u00ae\\u2100-\\u2bff\\u3297\\u3299\\U0001f000-\\U0001faff"
_GLUED_BEFORE = re.compile(f"^.*[{_UNSPACED}{_SYMBOLS}](?=[0-9A-Za-z])", re.DOTALL)
_GLUED_SYMBOLS = re.compile(f"^.*[{_UNSPACED}](?=[{_SYMBOLS}])", re.DOTALL)
_GLUED_BEHIND = re.compile(f"([A-Za-z]{{2,24}})[{_UNSPACED}{_SYMBOLS}]")
_GLUED_CYRILLIC = re.compile(r"^[\u0400-\u04ff]{3,}(?=[0-9A-Za-z-]{3,}(?:\.[0-9A-Za-z-]+)+$)")
_EMOJI_TOPS = frozenset(("ws", "to", "fm", "la", "tk", "ml", "ga", "cf", "gq", "kz", "cc", "com", "net", "gg", "je"))


def links_in(text: str) -> list[Link]:
    """The different links of a text in their order, those with a scheme or `www.` marked certain."""
    text = readable(text)
    if not _PROMISING.search(text):
        return []
    words = [word for word in text.split(" ") if "." in word[:-1] or "//" in word]
    matches = list(dict.fromkeys(_LINK.findall("  " + " ".join(words))))
    if len(matches) > MAX_CANDIDATES:
        matches = matches[: MAX_CANDIDATES // 2] + matches[-MAX_CANDIDATES // 2 :]
    links: dict[Link, None] = {}
    for match in matches:
        carries = "//" in match or ":" in match
        if not (carries and _STARTS.match(match)):
            link = _bare(_CARRIED.split(match, 1)[0] if carries else match)
            if link is not None:
                links[link] = None
        if carries:
            links.update(dict.fromkeys(split(match)))
    return list(links)


def readable(text: str) -> str:
    """A text as its reader takes it: without the invisible, dots and schemes where they are only described."""
    text = squeezed(text, max(len(text), 2))
    if len(text) > MAX_TEXT_CHARS:
        text = _abridged(text)
    text = unstyled(text)
    if "&" in text and ";" in text:
        text = _ENTITY.sub(_character, text.replace("&amp;", "&"))
    return undisguised(unquoted(text))


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
    end, rest = 2 * MAX_TEXT_CHARS // 5, MAX_TEXT_CHARS // 10
    middle = " ".join(word for word in text[end:-end].split(" ") if "." in word[:-1] or "//" in word)
    if len(middle) > 2 * rest:
        middle = f"{middle[:rest]}\n{middle[-rest:]}"
    return f"{text[:end]}\n{middle}\n{text[-end:]}"


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if 0x20 < code < 0xD800 else " "


def split(link: str) -> list[Link]:
    """What stands behind each scheme in a link: its own, and those of links that its path carries along. `//` alone
    is none for certain, as paths have it too."""
    _, *parts = _CARRIED.split(link)
    return [parted(part, ":" in scheme) for scheme, part in zip(parts[::2], parts[1::2], strict=True) if part]


def parted(link: str, certain: bool = True) -> Link:
    """Host and path of what stands behind a scheme."""
    end = _AUTHORITY_END.search(link)
    authority, path = (link[: end.start()], link[end.start() :]) if end else (link, "")
    authority = authority.rpartition("@")[2].lstrip("!$*~=+-._")
    if "%" in authority:
        decoded = with_plain_dots(without_unseen(unquote(authority)))
        authority = _AUTHORITY_END.split(decoded, maxsplit=1)[0]
    if authority.startswith("["):
        return Link(authority[1:].partition("]")[0].lower(), path, certain)
    first, _, second = authority.partition(":")
    host = first if "." in first or "." not in second else second  # see:other.com
    host = _HOST_END.split(host, 1)[0]
    host = host.strip("!$*~=+-._")
    behind = _glued_behind(host)
    return Link(_tidy(behind or host), path if not behind else "", certain)


def _tidy(host: str) -> str:
    return host.lower() if len(host) < 1_024 else ""


def _glued_behind(host: str) -> str | None:
    """The host before words of a script without blanks: `evil.com看`."""
    before, dot, top = host.rpartition(".")
    glued = _GLUED_BEHIND.match(top) if dot and not top.isascii() else None
    return f"{before}.{glued[1]}" if glued and glued[1].lower() in TOPS else None


def _bare(match: str) -> Link | None:
    """The link without a scheme that a match is, if it is one."""
    slash, dot = match.find("/"), match.find(".")
    behind_word = 0 <= slash < dot
    if behind_word:
        match = match[slash + 1 :]
    end = _BARE_END.search(match)
    host, tail = (match[: end.start()], match[end.start() :]) if end else (match, "")
    host = host.strip("-_")
    if not host.isascii():
        behind = _glued_behind(host)
        host, tail = (behind, "") if behind else (host, tail)
        host = _without_glue(_in_one_script(host))
    top = host.rpartition(".")[2]
    lower = top.lower()
    if lower not in TOPS or "." not in host:
        return _numeric(host, tail)
    made = _PATH.search(tail[:128]) is not None
    www = host[:4].lower() == "www." and host.count(".") > 1
    if behind_word and lower not in STRONG:
        return None
    if not (made or www) and _looks_otherwise(host, top, tail):
        return None
    return Link(_tidy(host), tail[tail.find("/") :] if "/" in tail else "", False)


def _in_one_script(host: str) -> str:
    """A host whose suffix is one in look-alikes only (evil.c\u043em), as its reader would type it."""
    top = host.rpartition(".")[2]
    if top.isascii() or top.lower() in TOPS or top.lower().translate(look_alikes()) not in TOPS:
        return host
    return host.lower().translate(look_alikes())


def _numeric(host: str, tail: str) -> Link | None:
    """`203.0.113.9/login`, but neither a version nor a network."""
    if host.count(".") == 3 and host.replace(".", "").isdecimal() and re.search("/[A-Za-z]", tail):
        return Link(host, tail, True)
    return None


def _without_glue(host: str) -> str:
    """A host without words of a script without blanks before it: `看evil.com`. Such a name alone is one: 例え.jp"""
    if host.rpartition(".")[2].isascii():
        host = _GLUED_BEFORE.sub("", host)
        word = _GLUED_CYRILLIC.match(host)
        if word and not all(ord(letter) in look_alikes() for letter in word[0].lower()):
            host = host[word.end() :]  # a word, as it could not pass for a Latin one
    return _GLUED_SYMBOLS.sub("", host)


def _looks_otherwise(host: str, top: str, tail: str) -> bool:
    """A name that is none of a site as it stands: a file, code, two sentences, an emoticon."""
    lower = top.lower()
    before = host.rpartition(".")[0]
    if lower in FILES or tail == "()" or file_like(host.lower()):
        return True
    if not host.isascii() and re.fullmatch(f"[{_SYMBOLS}\\U0001f3fb-\\U0001f3ff]+", before):
        return lower not in _EMOJI_TOPS
    if lower in STRONG:
        return False
    label = before.rpartition(".")[2].lower()
    return (
        tail.startswith("(")
        or (top[0].isupper() and top[1:].islower())  # the end.So what
        or label.isdecimal()
        or (len(label) == 1 and label.isascii())
        or label in WEAK_LABELS
    )
