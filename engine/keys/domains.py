"""What somebody registered: from the host of a link to the name or address that its owner pays for.

`www.Shop.example.co.uk` is example.co.uk. Domains of which everybody can have a part (blogspot.com, github.io) count
by the part: the public suffix list, shipped in a package, knows them. International names are compared in punycode
after UTS 46, as browsers do, so a Cyrillic look-alike is a domain of its own. What stands before the registered name
is its owner's to choose, and may be anything.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import unquote

from idna import IDNAError, uts46_remap
from publicsuffixlist import PSLFILE, PublicSuffixList

MAX_HOST_CHARS = 253
_MAX_LABEL_CHARS = 63

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_OWN = re.compile(r"(?:[^.]*\.){0,4}[^.]*$")
"""The last labels of a host, of which somebody has registered some."""

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")

RESERVED = frozenset(("example", "test", "invalid"))
"""For documentation and tests (RFC 2606): they have owners here, but are on no list."""

_SUFFIXES = PublicSuffixList(accept_unknown=False)


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
        host = _OWN.findall(host)[0] if encoded is None else host
        while encoded is None and host.count(".") > 1:
            host = host.partition(".")[2]
            encoded = in_punycode(host)
        if encoded is None:
            return None
        host = encoded
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _address_v4(host) if certain else None
    return _owned(host, certain)


def _owned(host: str, certain: bool) -> str | None:
    host = _OWN.findall(host)[0]
    while not all(map(_LABEL.fullmatch, host.split("."))):
        _, dot, host = host.partition(".")
        if not dot:
            return None
    if "." not in host:
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
