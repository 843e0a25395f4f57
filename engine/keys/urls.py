"""Links in an event, down to what their owner pays for: the registrable domain.

`https://www.Shop.example.co.uk:443/a?b` and `example[.]co[.]uk` are both example.co.uk. Domains of which
everybody can have a part (blogspot.com, github.io) count by the part: the public suffix list, shipped in a
package, knows them. A link of a shortener stands for itself, bit.ly/abc, as a shortener's own domain says
nothing. International names are compared in punycode, so a Cyrillic look-alike is a domain of its own.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from publicsuffixlist import PublicSuffixList

from engine.keys.characters import normalized

MAX_TEXT_CHARS = 20_000
"""So much of a text is searched for links."""

MAX_LINK_CHARS = 2_048
MAX_DOMAINS = 32
_MAX_HOST_CHARS = 253
_MAX_PATH_CHARS = 64

_TOKEN = re.compile(r"[\w.~:/?#@!$&*+=%-]+")
_HIDDEN_DOT = re.compile(
    r"(?i)[\[({]\s?(?:\.|dot)\s?[\])}]|\sdot\s(?=(?:com|net|org|info|io|ru|xyz|top|site|online|shop)\b)"
)
_SCHEME = re.compile(r"(?i)(?:[\w+:-]*:)?//|h(?:tt|xx)ps?:")
_PLAIN_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_AUTHORITY_END = re.compile(r"[/?#\\&]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_FULL_STOPS = str.maketrans("\u3002\uff0e\uff61", "...")

_RESERVED = frozenset(("example", "test", "invalid"))
"""For documentation and tests (RFC 2606): they have owners here, but are on no list."""

_SUFFIXES = PublicSuffixList(accept_unknown=False)
SHORTENERS = frozenset(
    """
    adf.ly amzn.to bit.ly bl.ink buff.ly clck.ru cutt.ly discord.gg dlvr.it fb.me goo.gl is.gd linktr.ee lnkd.in
    ow.ly qps.ru rb.gy rebrand.ly s.id shorte.st shorturl.at soo.gd t.co t.ly t.me tiny.cc tinyurl.com trib.al
    u.to v.gd wa.me wp.me x.co youtu.be
    """.split()  # noqa: SIM905  # one name a line would be a page
)
"""Domains whose first path segment says where a link leads."""


def url_domains(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The different domains that an event links to, in its `urls`, `url` and `text`; at most MAX_DOMAINS."""
    found: dict[str, None] = {}
    for name in ("urls", "url"):
        value = fields.get(name)
        for link in value if type(value) is list else (value,):
            if type(link) is str:
                found.update(dict.fromkeys(_domains_of(_normal(link[:MAX_LINK_CHARS]).strip(" ,;.\"'"), certain=True)))
            if len(found) >= MAX_DOMAINS:
                return tuple(found)[:MAX_DOMAINS]
    text = fields.get("text")
    if type(text) is str:
        for link in links_in(text):
            found.update(dict.fromkeys(_domains_of(link, certain=False)))
            if len(found) >= MAX_DOMAINS:
                break
    return tuple(found)[:MAX_DOMAINS]


def links_in(text: str) -> Iterator[str]:
    """What looks like a link in a text, also where dots are hidden: `example[.]com`, `example dot com`."""
    text = _normal(text[:MAX_TEXT_CHARS])
    if "dot" in text or "DOT" in text or "[" in text or "(" in text or "{" in text:
        text = _HIDDEN_DOT.sub(".", text)
    if "." in text:
        for token in _TOKEN.findall(text):
            if "." in token:
                yield token.strip(".:;!?*_~-#@&=+")


def _normal(text: str) -> str:
    if text.isascii():
        return text
    return normalized("NFKC", text.translate(_INVISIBLE).translate(_FULL_STOPS))


def _domains_of(link: str, certain: bool) -> Iterator[str]:
    """The domain of a link, and of a link that it carries along. `certain`: it is one, whatever it looks like."""
    scheme = _SCHEME.match(link)
    authority, path = _split(link[scheme.end() :].lstrip("/") if scheme else link)
    certain = certain or scheme is not None
    if certain or not ("@" in authority or _is_sentence_end(authority)):
        found = _registrable(_host(authority), certain)
        if found is not None:
            yield f"{found}/{_place(path)}" if found in SHORTENERS and _place(path) else found
    _, carries, inner = unquote(path).partition("://")
    carried = _registrable(_host(_split(inner)[0]), True) if carries else None
    if carried is not None:
        yield carried


def _is_sentence_end(authority: str) -> bool:
    """`the end.So what`: a space was forgotten, this is no domain."""
    before, _, top = authority.rpartition(".")
    return top[:1].isupper() and not top.isupper() and before.islower()


def _place(path: str) -> str:
    return path.partition("?")[0].partition("#")[0].strip("/")[:_MAX_PATH_CHARS]


def _split(link: str) -> tuple[str, str]:
    """Authority and path."""
    end = _AUTHORITY_END.search(link)
    return (link[: end.start()], link[end.end() :]) if end else (link, "")


def _host(authority: str) -> str:
    """Without user, port and what was written in front of it."""
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    before, _, behind = authority.partition(":")
    return unquote(before if "." in before or "%" in before else behind or before).strip(".").lower()


@lru_cache(maxsize=65_536)
def _registrable(host: str, certain: bool) -> str | None:
    """What somebody registered, or None for what is no domain."""
    if len(host) > _MAX_HOST_CHARS:
        return None
    if ":" in host or host.rpartition(".")[2].isdecimal():
        return _address(host) if certain else None
    if host.isascii():
        return _owned(host, certain)
    try:
        found = _owned(host.encode("idna").decode(), certain=False)
    except UnicodeError:
        found = None
    plain = _PLAIN_HOST.search(host) if found is None else None  # written in the middle of a word
    return _owned(plain.group(), certain=False) if plain else found


def _owned(host: str, certain: bool) -> str | None:
    if "." not in host or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return None
    registered = _SUFFIXES.privatesuffix(host)
    if registered is not None:
        return str(registered)
    *_, owner, top = host.split(".")
    if top in _RESERVED:
        return f"{owner}.{top}"
    return host if certain else None


def _address(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None
