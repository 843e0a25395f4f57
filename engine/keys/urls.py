"""Links in an event, down to what their owner pays for: the registrable domain.

`https://www.Shop.example.co.uk:443/a?b` and `example[.]co[.]uk` are both example.co.uk. Domains of which
everybody can have a part (blogspot.com, github.io) count by the part: the public suffix list, shipped in a
package, knows them. A link of a shortener stands for itself, bit.ly/abc, as a shortener's own domain says
nothing. International names are compared in punycode, so a Cyrillic look-alike is a domain of its own.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from publicsuffixlist import PublicSuffixList

MAX_TEXT_CHARS = 20_000
"""So much of a text is searched for links."""

MAX_DOMAINS = 8
_MAX_HOST_CHARS = 253

_TOKEN = re.compile(r"[^\s<>\"'`|\\^{}\[\]()]+")
_HIDDEN_DOT = re.compile(
    r"(?i)[\[({]\s?(?:\.|dot)\s?[\])}]|\sdot\s(?=(?:com|net|org|info|io|ru|xyz|top|site|online|shop)\b)"
)
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_AUTHORITY_END = re.compile(r"[/?#\\]")
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
                found.update(dict.fromkeys(_domains_of(link, certain=True)))
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
    text = text[:MAX_TEXT_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE).translate(_FULL_STOPS))
    if "dot" in text or "DOT" in text or "[" in text or "(" in text or "{" in text:
        text = _HIDDEN_DOT.sub(".", text)
    if "." in text:
        for token in _TOKEN.findall(text):
            if "." in token:
                yield token.strip(".,;:!?*_~-…")


def _domains_of(link: str, certain: bool) -> Iterator[str]:
    """The domain of a link, and of a link that it carries along. `certain`: it is one, whatever it looks like."""
    before, scheme, rest = link.partition("://")
    certain = certain or bool(scheme)
    authority, path = _split(rest if scheme else before)
    if "@" in authority and not certain:
        return  # a mail address
    found = _registrable(_host(authority), certain)
    if found is None:
        return
    segment = path.split("?")[0].split("#")[0].strip("/").split("/")[0]
    yield f"{found}/{segment}" if found in SHORTENERS and segment else found
    _, scheme, inner = unquote(path).partition("://")
    carried = _registrable(_host(_split(inner)[0]), True) if scheme else None
    if carried is not None:
        yield carried


def _split(link: str) -> tuple[str, str]:
    """Authority and path."""
    end = _AUTHORITY_END.search(link)
    return (link[: end.start()], link[end.end() :]) if end else (link, "")


def _host(authority: str) -> str:
    return authority.rpartition("@")[2].partition(":")[0].strip(".").lower()


@lru_cache(maxsize=65_536)
def _registrable(host: str, certain: bool) -> str | None:
    """What somebody registered, or None for what is no domain."""
    if "." not in host or len(host) > _MAX_HOST_CHARS:
        return None
    if host.rpartition(".")[2].isdecimal():
        return _address(host) if certain else None
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
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
