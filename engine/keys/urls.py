"""Links in an event, down to what their owner pays for: the registrable domain.

`https://www.Shop.example.co.uk:443/a?b` and `example[.]co[.]uk` are both example.co.uk. `links` finds them in a text,
`domains` says whose they are; here it is decided how many are looked at, and which.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from engine.core.evaluation.choice import chosen, ranked
from engine.keys.characters import encodable, squeezed
from engine.keys.disguises import undisguised
from engine.keys.links import MAX_CANDIDATES, Link, links_in, named_in, parted, split
from engine.keys.markup import without_markup
from engine.keys.places import SHORTENERS, addressed, destination
from engine.keys.readable import unquoted, with_plain_dots

MAX_DOMAINS = 32
"""So many domains has an event at most."""

MAX_HOSTS = 64
"""So many different hosts are looked up in the list of public suffixes, those of different owners first."""

MAX_NAME_CHARS = 2_048
"""So much of an e-mail address or a link is read."""

MAX_INTERNATIONAL = 16
MAX_INTERNATIONAL_CHARS = 512
"""So many hosts outside ASCII are encoded, and no more characters: that takes up to 7 µs for each."""

_KEPT_CHARS = 2_048
_KEPT_TEXTS = 1_024
"""The links of so many texts are kept, where these are no longer: copies come in a row, and an event is asked twice,
for its entities and for what its label will be about."""

_MAX_CODES = 32
_MAX_ENTRIES, _SHORTEST = 4_096, 3
"""So many declared links are looked at to choose from; of many, none that is so short."""

MAX_DEPTH = 2
"""So deep may lists and objects be nested in those of an event: a list of objects that have lists."""

_MEMBERS = ("url", "href", "link", "uri", "expanded_url")
_SEVERAL = re.compile(r"(?<![\s,;|])[\s,;|]++(?=[hH](?:[tT][tT]|[xX][xX])[pP][sS]?:)")
"""Stands between links of one text."""

_PLAIN = re.compile(r"[\w/:?&=%#~+-](?:[\w./:?&=%#~+-]*[\w/:?&=%#~+-])?", re.ASCII)
"""Has nothing in which a link could be wrapped."""

_LINE_BREAKS = str.maketrans("", "", "\t\n\r")
_SCHEME = re.compile(r"(?:[\w+-]*:)?[/\\]{2,}|[hH](?:[tT][tT]|[xX][xX])[pP][sS]?:[/\\]*")


def url_domains(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The different domains that an event links to, in its `urls`, `url` and `text`, and in the text and the QR and bar
    codes of its pictures (`media.text`, `media.codes`); at most MAX_DOMAINS.

    Of more, those that come first by their keyed hashes: which ones are counted does not depend on where in the event
    they stand.
    """
    urls, url = ("urls" in fields and fields["urls"]), ("url" in fields and fields["url"])  # no calls: all events pay
    links = _declared(fields) if urls or url else []
    if "text" in fields and type(fields["text"]) is str:
        links += _links_in(fields["text"])
    if "media" in fields:
        links = [*links, *_in_pictures(fields["media"])]
    if not links:
        return ()
    if len(links) > 1:
        links = _examined(list(dict.fromkeys(links)))
    domains = (destination(*link) for link in links)
    return chosen((domain for domain in domains if domain is not None), MAX_DOMAINS)


def _in_pictures(media: Any) -> list[Link]:
    if type(media) is not dict:
        return []
    codes, read = media.get("codes"), media.get("text")
    texts = [code[:_KEPT_CHARS] for code in codes if type(code) is str] if type(codes) is list else []
    if len(texts) > _MAX_CODES:
        texts = ranked(set(map(encodable, texts)))[:_MAX_CODES]
    if type(read) is str:
        texts.append(read)
    return [link for text in texts for link in _links_in(text)]


@lru_cache(_KEPT_TEXTS)
def _kept_links(text: str) -> list[Link]:
    return links_in(text)


def _links_in(text: str) -> list[Link]:
    """The links of a text, not to be changed."""
    return _kept_links(text) if len(text) <= _KEPT_CHARS else links_in(text)


def domain_of(text: str) -> str:
    """The registrable domain of an e-mail address, a link or a host; empty where there is none."""
    place = text[-MAX_NAME_CHARS:].rpartition("@")[2] if "@" in text and "/" not in text else text[:MAX_NAME_CHARS]
    domains = url_domains({"url": place.strip()})
    return domains[0].partition("/")[0] if domains else ""


def _declared(fields: Mapping[str, Any]) -> list[Link]:
    """The links that an event declares, taken at their word: `intranet/x` is none, `intranet.corp/x` is one."""
    several = _bounded([entry for name in ("urls", "url") for entry in _entries(fields.get(name), MAX_DEPTH)])
    if any(entry.count("://") > 1 for entry in several):
        several = _bounded([part for entry in several for part in _SEVERAL.split(entry)])
    links: list[Link] = []
    odd: list[str] = []
    for entry in several:
        if _PLAIN.fullmatch(entry):
            links += _links_of(entry)
        else:
            text = _read(entry)
            links += _links_of(text)
            if not _SCHEME.match(text):
                odd.append(entry)
    return [*links, *links_in("\n".join(odd))] if odd else links


def _bounded(entries: list[str]) -> list[str]:
    """The different ones, of many those that come first by keyed hashes; of very many, of those at either end."""
    different = list(dict.fromkeys(entries))
    if len(different) <= MAX_CANDIDATES:
        return different
    different = [entry for entry in different if len(entry) > _SHORTEST]
    if len(different) > _MAX_ENTRIES:
        different = different[: _MAX_ENTRIES // 2] + different[-_MAX_ENTRIES // 2 :]
    return list(chosen(map(encodable, different), MAX_CANDIDATES))


def _entries(value: Any, depth: int) -> list[str]:
    """The texts that are declared: one, a list of them, objects that have them in a member, and so on."""
    if type(value) is str:
        return [value]
    if type(value) is dict:
        value = [value[name] for name in _MEMBERS if name in value]
    elif type(value) is not list:
        return []
    texts = [entry for entry in value if type(entry) is str]
    if depth and len(texts) < len(value):
        texts += [text for entry in value if type(entry) in (list, dict) for text in _entries(entry, depth - 1)]
    return texts


def _read(entry: str) -> str:
    """An entry read as a browser reads an address: line breaks and tabs in it do not count."""
    text = squeezed(entry.translate(_LINE_BREAKS), max(len(entry), 1)).strip(" ,;.\"'<>()[]{}|*`")
    text = without_markup(text)
    if not text.isascii() or " " in text or "[" in text or "(" in text:
        text = undisguised(with_plain_dots(text))
    return text


def _links_of(text: str) -> Iterable[Link]:
    """The links of one entry that has been read."""
    if text[:3] in ("tg:", "TG:") or "sapp:" in text[:16]:
        text = addressed(text)
    if "%" in text and "//" not in text:
        text = unquoted(text)
    scheme = _SCHEME.match(text)
    if scheme is None and " " in text:
        return links_in(text)
    rest = text[scheme.end() :] if scheme is not None else text
    behind = links_in(rest.partition(" ")[2]) if " " in rest else ()
    return [parted(rest), *split(unquoted(rest)), *(named_in(rest) if "=" in rest else ()), *behind]


def _examined(links: list[Link]) -> list[Link]:
    """Those links that are looked up: all where they are few, else first one of each owner as far as one can see."""
    abroad = {link.host for link in links if not link.host.isascii() or "%" in link.host}
    if sum(map(len, abroad)) > MAX_INTERNATIONAL_CHARS or len(abroad) > MAX_INTERNATIONAL:
        left = MAX_INTERNATIONAL_CHARS
        for host in ranked(abroad)[:MAX_INTERNATIONAL]:
            if len(host) <= left:
                left -= len(host)
                abroad.remove(host)
        links = [link for link in links if link.host not in abroad]
    if len(links) <= MAX_HOSTS:
        return links
    owners: dict[str, str] = {}
    for link in links:
        owner = ".".join(link.host.split(".")[-2:])
        owners.setdefault(_name(link) if owner in SHORTENERS else owner, _name(link))
    names = set(chosen(owners.values(), MAX_HOSTS))
    names |= set(chosen((name for name in map(_name, links) if name not in names), MAX_HOSTS - len(names)))
    return [link for link in links if _name(link) in names][:MAX_HOSTS]


def _name(link: Link) -> str:
    return f"{link.host}{link.path}"
