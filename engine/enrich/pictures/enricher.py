"""The enricher `pictures`: hashes that copies share, and what QR and bar codes say."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_network
from typing import Annotated, Any

import msgspec
import PIL  # noqa: F401  # these two are of the extra, and used in other processes: missing, it is told at the start
import zxingcpp  # noqa: F401

from engine.enrich.answers import Missing
from engine.enrich.confinement.children import Children
from engine.enrich.enricher import Enricher, RawEvent, Surroundings
from engine.enrich.pictures.http import WebPictures
from engine.enrich.pictures.references import References
from engine.enrich.remembered import Remembered
from engine.limits import at_least, between, check_limits

_MAX_DEPTH = 3
_NAMES = ("bytes", "data", "url", "uri", "src", "href")
"""Where the bytes or the address of a picture stand in an object."""


class PictureOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`fields`: dotted paths at which pictures stand, as base64, addresses, objects with either, or lists; `most`: so
    many of one event are looked at; `allow_hosts`, `allow_networks`, `directory`, `stores`: where addresses may lead;
    `keep_bytes`: whether pictures that come as bytes go on with the event."""

    fields: tuple[str, ...] = ("picture", "pictures", "image", "images", "image_url")
    most: Annotated[int, between(1, 32)] = 4
    max_bytes: Annotated[int, between(100, 32 << 20)] = 4 << 20
    max_pixels: Annotated[int, at_least(100)] = 25_000_000
    max_frames: Annotated[int, between(1, 64)] = 4
    codes: bool = True
    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    directory: str = ""
    stores: tuple[str, ...] = ()
    keep_bytes: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self)
        for network in self.allow_networks:
            ip_network(network)


class Pictures(Enricher):
    """Looks at the pictures of events, in processes of its own."""

    writes_media = True
    bounds_turns = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        try:
            self._options = msgspec.convert(dict(options), PictureOptions, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error

    async def start(self, surroundings: Surroundings) -> None:
        """Start the processes that look at pictures."""
        own = self._options
        self._web = WebPictures(own.allow_hosts, own.allow_networks, own.max_bytes)
        self._references = References(self._web, own.directory, own.stores, own.max_bytes)
        self._seen = Remembered(surroundings.remembers, surroundings.remembers_s)
        given = {"max_pixels": own.max_pixels, "max_frames": own.max_frames, "codes": own.codes}
        self._children = Children(
            "engine.enrich.pictures.looking:looks", given, surroundings.processes, surroundings.turn_s,
            surroundings.memory_mb,
        )  # fmt: skip
        await self._web.start()
        await self._children.start()

    async def stop(self) -> None:
        """End them."""
        await self._children.stop()
        await self._web.stop()

    def is_about(self, event: RawEvent) -> bool:
        """About events that have something where pictures stand."""
        return any(event.find(path) for path in self._options.fields)

    def strip(self, fields: dict[str, Any]) -> None:
        """Take out the bytes of pictures: they would be kept and sent on with every event."""
        if not self._options.keep_bytes:
            for path in self._options.fields:
                name = path.partition(".")[0]
                if name in fields:
                    fields[name] = _without_bytes(fields[name], _MAX_DEPTH + 2)

    async def enrich(self, event: RawEvent) -> dict[str, Any] | None:
        """Hashes and codes of its pictures; `unread` says why one says nothing. Raises Missing where none of
        them can be read."""
        found: dict[str, Any] = {"images": [], "hashes": [], "codes": [], "unread": []}
        for number, reference in enumerate(self._references_of(event)):
            if number == self._options.most:
                found["unread"].append("too_many")
                break
            try:
                self._add(found, await self._look(reference))
            except Missing as missing:
                found["unread"].append(missing.reason)
        if found["unread"] and not found["images"]:
            raise Missing(found["unread"][0])
        return {name: value for name, value in found.items() if value} or None

    async def _look(self, reference: str) -> dict[str, Any]:
        data = await self._references.bytes_of(reference)
        looked: dict[str, Any] = await self._seen.get(sha256(data).digest(), lambda: self._children.ask(data))
        return looked

    def _add(self, found: dict[str, Any], looked: Mapping[str, Any]) -> None:
        found["images"].append({name: looked[name] for name in ("format", "width", "height")})
        found["hashes"] += [one for one in looked["hashes"] if one not in found["hashes"]]
        found["codes"] += [one for one in looked["codes"] if one not in found["codes"]]

    def _references_of(self, event: RawEvent) -> Iterator[str]:
        for path in self._options.fields:
            yield from _texts(event.find(path), _MAX_DEPTH)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _texts(item, depth - 1)
    elif isinstance(value, dict) and depth:
        for name in _NAMES:
            yield from _texts(value.get(name), depth - 1)


_LONGEST_ADDRESS = 2_048


def _without_bytes(value: Any, depth: int) -> Any:
    """What is longer than an address, or is base64, is a picture's bytes."""
    if isinstance(value, str):
        is_bytes = len(value) > _LONGEST_ADDRESS or ":" not in value[:100] or value[:5].lower() == "data:"
        return f"{len(value)} characters" if is_bytes else value
    if isinstance(value, list):
        return [_without_bytes(item, depth - 1) for item in value] if depth else []
    if isinstance(value, dict) and depth:
        return {name: _without_bytes(item, depth - 1) if name in _NAMES else item for name, item in value.items()}
    return value
