"""Links in texts: what clients make clickable, and what readers are meant to type.

A scheme makes a link wherever it stands, also glued to a word. Without one, a name is a link when its last label is a
public suffix and it does not look like a file, code, a forgotten blank between sentences, or a mail address; `www.` or
a path make it one all the same. The time is linear in the text: each pass is one regular expression whose
repetitions give nothing back, and names are examined in small numbers.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

from engine.core.evaluation.choice import chosen
from engine.keys.characters import encodable, look_alikes, without_unseen
from engine.keys.disguises import FILES, WEAK_LABELS, file_like
from engine.keys.domains import TOPS
from engine.keys.places import SHORTENERS
from engine.keys.readable import ends_in_top, readable, with_plain_dots
from engine.keys.tops import STRONG

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
_NAMED = re.compile(
    r"[?&][a-z_]{1,16}=((?:[A-Za-z0-9-]{1,63}\.){1,8}(?i:com|net|org|ru|xyz|top|info|site|shop|club|io))(?=[/&?#]|$)"
)
"""Where a link of others leads to, without a scheme: `?url=evil.com`."""

_OF_ADDRESS = re.compile(r":[1-9]\d{1,4}\b|.*?/[A-Za-z]")
_PATH = re.compile(r"/[^A-Za-z0-9]*+[A-Za-z0-9]|\?[^=]*+=")

_UNSPACED = (
    "\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff"
    "\\uf900-\\ufaff\\uff66-\\uffdc\\U00020000-\\U0003ffff"
)
"""Scripts that are written without blanks, or (Korean) with endings glued to names."""

_SYMBOLS = "\\u00ae\\u2100-\\u2bff\\u3297\\u3299\\U0001f000-\\U0001faff"
_GLUED_BEFORE = re.compile(f"^.*[{_UNSPACED}{_SYMBOLS}](?=[0-9A-Za-z])", re.DOTALL)
_FOREIGN = "\\u0370-\\u0dff\\u10a0-\\u10ff\\u1200-\\u177f\\u1800-\\u1c7f\\u2d00-\\u2dff\\ua000-\\ua6ff\\ua800-\\uabff"
"""Other scripts than the Latin one, written with blanks: no registry mixes them with it in a name."""

_GLUED_SYMBOLS = re.compile(f"^.*[{_UNSPACED}](?=[{_SYMBOLS}])", re.DOTALL)
_GLUED_BEHIND = re.compile(f"([A-Za-z]{{2,24}})[{_UNSPACED}{_SYMBOLS}{_FOREIGN}]")
_GLUED_WORD = re.compile(rf"^(?:[^.]*[{_FOREIGN}])(?=[0-9A-Za-z-]{{2,}}(?:\.[0-9A-Za-z-]+)+$)")
_CAPITALS = str.maketrans("\u043c\u043f\u0442\u043a", "mntk")
"""Small Cyrillic letters that look like Latin ones of another size."""

_NO_WORD = re.compile("[0-9].*[0-9]|-")
_EMOJI_TOPS = frozenset(("ws", "to", "fm", "la", "tk", "ml", "ga", "cf", "gq", "kz", "cc", "com", "net", "gg", "je"))


def links_in(text: str) -> list[Link]:
    """The different links of a text in their order, those with a scheme or `www.` marked certain."""
    text = readable(text)
    if not _PROMISING.search(text):
        return []
    words = [word for word in text.split(" ") if "." in word[:-1] or "//" in word]
    matches = list(dict.fromkeys(_LINK.findall("  " + " ".join(words))))
    if len(matches) > MAX_CANDIDATES:
        likely = [match for match in matches if "//" in match or ":" in match or ends_in_top(match)]
        matches = list(chosen(map(encodable, likely), MAX_CANDIDATES))
    links: dict[Link, None] = {}
    for match in matches:
        carries = "//" in match or ":" in match
        if not (carries and _STARTS.match(match)):
            link = _bare(_before_carried(match) if carries else match)
            if link is not None:
                links[link] = None
        if carries:
            links.update(dict.fromkeys(split(match)))
        if "=" in match:
            links.update(dict.fromkeys(named_in(match)))
    return list(links)


def _before_carried(match: str) -> str:
    """What stands before a scheme; two slashes in the address of a place are one."""
    before, *behind = _CARRIED.split(match, maxsplit=1)
    return f"{before}/{behind[1]}" if behind and before.lower() in SHORTENERS else before


def split(link: str) -> list[Link]:
    """What stands behind each scheme in a link: its own, and those of links that its path carries along. `//` alone
    is none for certain, as paths have it too."""
    _, *parts = _CARRIED.split(link)
    return [parted(part, ":" in scheme) for scheme, part in zip(parts[::2], parts[1::2], strict=True) if part]


def named_in(link: str) -> list[Link]:
    """The hosts that a link names where others have addresses."""
    return [named for named in map(_bare, _NAMED.findall(link)) if named is not None] if "=" in link else []


def parted(link: str, certain: bool = True) -> Link:
    """Host and path of what stands behind a scheme."""
    end = _AUTHORITY_END.search(link)
    authority, path = (link[: end.start()], link[end.start() :]) if end else (link, "")
    authority = authority.rpartition("@")[2].lstrip("!$*~=+-._(<{\"'")
    if "%" in authority:
        decoded = with_plain_dots(without_unseen(unquote(authority)))
        authority = _AUTHORITY_END.split(decoded, maxsplit=1)[0]
    if authority.startswith("["):
        return Link(authority[1:].partition("]")[0].lower(), path, certain)
    first, _, second = authority.partition(":")
    host = first if "." in first or "." not in second else second  # see:other.com
    first, *others = _HOST_END.split(host)
    host = first if "." in first else next((other for other in others if "." in other), first)
    host = host.strip("!$*~=+-._")
    if not host.isascii():
        host = _in_one_script(host)
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
        host = _in_one_script(host)
        behind = _glued_behind(host)
        host, tail = (behind, "") if behind else (host, tail)
        host = _without_glue(host)
    top = host.rpartition(".")[2]
    lower = top.lower()
    if lower not in TOPS or "." not in host:
        return _numeric(host, tail)
    made = _PATH.search(tail[:128]) is not None
    www = host[:4].lower() == "www." and host.count(".") > 1
    if behind_word and lower not in STRONG:
        return None
    if not (made or www or host.lower().endswith(".t.me")) and _looks_otherwise(host, top, tail):
        return None
    return Link(_tidy(host), tail[tail.find("/") :] if "/" in tail else "", False)


def _in_one_script(host: str) -> str:
    """A host whose suffix is one in look-alikes only (evil.c\u043em), as its reader would type it."""
    before, _, top = host.lower().rpartition(".")
    if top.isascii() or top in TOPS:
        return host
    plain = top.translate(look_alikes())
    if plain in TOPS:
        return f"{before.translate(look_alikes())}.{plain}"
    plain = plain.translate(_CAPITALS)
    return f"{before}.{plain}" if plain in STRONG else host


def _numeric(host: str, tail: str) -> Link | None:
    """`203.0.113.9/login`, but neither a version nor a network."""
    if host.count(".") == 3 and host.replace(".", "").isdecimal() and _OF_ADDRESS.match(tail):
        return Link(host, tail, True)
    return None


def _without_glue(host: str) -> str:
    """A host without words of a script without blanks before it: `看evil.com`. Such a name alone is one: 例え.jp"""
    if host.rpartition(".")[2].isascii():
        host = _GLUED_BEFORE.sub("", host)
        word = _GLUED_WORD.match(host)
        if word and not all(letter.isascii() or ord(letter) in look_alikes() for letter in word[0].lower()):
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
        or (top[0].isupper() and top[1:].islower() and not _NO_WORD.search(label))  # the end.So what
        or label.isdecimal()
        or (len(label) == 1 and label.isascii())
        or label in WEAK_LABELS
    )
