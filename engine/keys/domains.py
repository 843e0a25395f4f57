"""What somebody registered: from the host of a link to the name or address that its owner pays for.

`www.Shop.example.co.uk` is example.co.uk. Domains of which everybody can have a part (blogspot.com, github.io) count
by the part: the public suffix list, shipped in a package, knows them. A link of a shortener or an invitation stands
for itself, bit.ly/abc, as its domain says nothing. International names are compared in punycode after UTS 46, as
browsers do, so a Cyrillic look-alike is a domain of its own.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import unquote

from idna import IDNAError, uts46_remap
from publicsuffixlist import PSLFILE, PublicSuffixList

MAX_HOST_CHARS = 253
_MAX_PLACE_CHARS = 64
_MAX_LABEL_CHARS = 63

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_POINTS = ".!:*_~=-"
_PLACE = re.compile(r"^[^?#&]*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")

RESERVED = frozenset(("example", "test", "invalid"))
"""For documentation and tests (RFC 2606): they have owners here, but are on no list."""

_SUFFIXES = PublicSuffixList(accept_unknown=False)

SHORTENERS = frozenset(
    """
    adf.ly amzn.to bit.ly bl.ink buff.ly chat.whatsapp.com clck.ru cutt.ly discord.gg dlvr.it fb.me goo.gl is.gd
    linktr.ee lnkd.in ow.ly qps.ru rb.gy rebrand.ly s.id shorte.st shorturl.at soo.gd t.co t.ly t.me tiny.cc
    tinyurl.com trib.al u.to v.gd wa.me wp.me x.co youtu.be
    """.split()  # noqa: SIM905  # one name a line would be a page
)
"""Hosts whose first path segment says where a link leads."""

_SAME_PLACE = {
    "telegram.me": "t.me", "telegram.dog": "t.me", "discord.com/invite": "discord.gg",
    "discordapp.com/invite": "discord.gg",
}  # fmt: skip
_INVITING = frozenset(name.partition("/")[0] for name in _SAME_PLACE)
_INNER_SEGMENTS = frozenset(("c", "s", "joinchat", "addstickers", "addemoji", "addlist", "boost", "proxy", "invite"))
"""First segments that say what kind of place the second one names."""

_ANY_CASE = frozenset(("t.me", "linktr.ee", "wa.me"))


def _top_level_domains() -> frozenset[str]:
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = (line.split()[0] for line in lines if line.strip() and not line.startswith("//"))
    tops = {rule.rpartition(".")[2].lstrip("!") for rule in rules}
    return frozenset(tops | {_encoded(top) for top in tops} | RESERVED)


def _encoded(label: str) -> str:
    """A label in punycode, if it needs it."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"


TOPS = _top_level_domains()
"""All that can stand behind the last dot of a public name, in Unicode and in punycode."""


def destination(host: str, path: str, certain: bool) -> str | None:
    """The entity of a link: `example.com`, `t.me/channel`, `203.0.113.9`; None for what is no public name.
    `certain`: it is a link, whatever its host looks like."""
    registered = registrable(host, certain)
    if registered is None:
        return None
    name = host if host in SHORTENERS else registered  # chat.whatsapp.com has no domain of its own
    if name not in SHORTENERS and name not in _INVITING:
        return registered
    segments = [part for part in _PLACE.findall(path)[0].split("/", 4)[:4] if part.strip(_POINTS)]
    name = _SAME_PLACE.get(name, name)
    if segments and f"{name}/{segments[0].lower()}" in _SAME_PLACE:
        name, segments = _SAME_PLACE[f"{name}/{segments[0].lower()}"], segments[1:]
    if name not in SHORTENERS or not segments:
        return registered if name not in SHORTENERS else name
    return f"{name}/{_place(name, segments)[:_MAX_PLACE_CHARS]}"


def _place(name: str, segments: list[str]) -> str:
    segments = [part.rstrip(_POINTS) for part in segments]
    first = segments[0]
    if name == "t.me":
        if first.startswith("+") and not first[1:].isdecimal():
            return f"joinchat/{first[1:]}"
        if first.lower() == "s" and len(segments) > 1:
            return segments[1].lower()  # a preview of the channel
        if first.lower() in _INNER_SEGMENTS and len(segments) > 1:
            return f"{first.lower()}/{segments[1]}"
    return first.lower() if name in _ANY_CASE else first


@lru_cache(maxsize=32_768)
def registrable(host: str, certain: bool) -> str | None:
    """What somebody registered of a host, or None for what is no public name. `certain`: as it stands, then."""
    if len(host) > 4 * MAX_HOST_CHARS:
        return None
    if "%" in host:
        host = unquote(host)
    host = host.strip(".").lower()
    if ":" in host:
        return _address_v6(host) if certain else None
    if not host.isascii():
        encoded = in_punycode(host)
        if encoded is None:
            return None
        host = encoded
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _address_v4(host) if certain else None
    return _owned(host, certain)


def _owned(host: str, certain: bool) -> str | None:
    if "." not in host or len(host) > MAX_HOST_CHARS or not all(map(_LABEL.fullmatch, host.split("."))):
        return None
    registered = _SUFFIXES.privatesuffix(host)
    if registered is not None:
        return str(registered)
    *_, owner, top = host.split(".")
    if top in RESERVED:
        return f"{owner}.{top}"
    return host if certain else None


def in_punycode(host: str) -> str | None:
    """In punycode, as a browser would ask for it; names that only IDNA 2008 forbids (💰.ws) are in use."""
    labels = host.split(".")
    if len(host) > MAX_HOST_CHARS or max(map(len, labels)) > _MAX_LABEL_CHARS:
        return None
    try:
        return ".".join(map(_encoded, uts46_remap(host, std3_rules=False).split(".")))
    except (IDNAError, UnicodeError):
        return None


def _address_v4(host: str) -> str | None:
    """An address as browsers read it: `203.0.113.9`, `3405803785`, `0xcb.0x71.29961`, each part in any base."""
    *parts, last = host.split(".")
    if len(parts) > 3 or not all(map(_NUMBER.fullmatch, (*parts, last))):
        return None
    try:
        numbers, rest = [_number(part) for part in parts], _number(last)
    except ValueError:
        return None
    if any(number > 255 for number in numbers) or rest >= 256 ** (4 - len(numbers)):
        return None
    whole = sum(number << 24 - 8 * index for index, number in enumerate(numbers)) + rest
    return str(IPv4Address(whole)) if whole >> 24 else None  # 0.0.0.5 is nowhere: it was a number in a text


def _number(text: str) -> int:
    if len(text) > _MAX_LABEL_CHARS:
        raise ValueError
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text[0] == "0" and len(text) > 1 else 10)


def _address_v6(host: str) -> str | None:
    try:
        address = IPv6Address(host.partition("%")[0])
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)
