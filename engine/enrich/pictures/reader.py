"""What enrichers have in common that look at the pictures of events, in processes of their own."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from typing import Any, ClassVar

import structlog

from engine.enrich.answers import Missing
from engine.enrich.confinement.children import Children
from engine.enrich.enricher import Enricher, RawEvent, Surroundings
from engine.enrich.pictures.http import WebPictures
from engine.enrich.pictures.options import PictureOptions
from engine.enrich.pictures.references import References
from engine.enrich.remembered import Remembered

_MAX_DEPTH = 3
_NAMES = ("bytes", "data", "url", "uri", "src", "href")
"""Where the bytes or the address of a picture stand in an object."""

_LONGEST_ADDRESS = 2_048
_TAKEN_OUT = re.compile("[0-9]{1,9} characters")
_log = structlog.stdlib.get_logger("floodgate")


def need(*modules: str) -> None:
    """Raise ImportError where one is not installed, without loading it: it is used in other processes."""
    for module in modules:
        if find_spec(module) is None:
            raise ImportError(f"{module} is not installed", name=module)


class PictureReader(Enricher):
    """Gets the pictures of an event, has each looked at, once for all its copies, and puts together what was seen."""

    writes_media = True
    bounds_turns = True

    target: ClassVar[str]
    """What looks at pictures: `module:function`, see `confinement/child.py`."""

    def __init__(self, options: PictureOptions) -> None:
        self._where = options

    @abstractmethod
    def given(self, surroundings: Surroundings) -> Mapping[str, Any]:
        """What the processes are told as they start. Raises SettingsError."""

    @abstractmethod
    def put_together(self, seen: list[dict[str, Any]]) -> dict[str, Any]:
        """What the event gets, by what was seen in each picture (`unread`: why one was not seen to its end)."""

    async def start(self, surroundings: Surroundings) -> None:
        """Start the processes that look at pictures."""
        where = self._where
        self._web = WebPictures(where.allow_hosts, where.allow_networks, where.max_bytes)
        self._references = References(self._web, where.directory, where.stores, where.max_bytes)
        self._seen = Remembered(surroundings.remembers, surroundings.remembers_s)
        self._children = Children(
            self.target, self.given(surroundings), surroundings.processes, surroundings.turn_s, surroundings.memory_mb
        )
        await self._web.start()
        await self._children.start()

    async def stop(self) -> None:
        """End them."""
        await self._children.stop()
        await self._web.stop()

    def is_about(self, event: RawEvent) -> bool:
        """About events that have something where pictures stand."""
        return any(event.find(path) for path in self._where.fields)

    def strip(self, fields: dict[str, Any]) -> None:
        """Take out the bytes of pictures: they would be kept and sent on with every event."""
        if not self._where.keep_bytes:
            for path in self._where.fields:
                name = path.partition(".")[0]
                if name in fields:
                    fields[name] = _without_bytes(fields[name], _MAX_DEPTH + 2)

    async def enrich(self, event: RawEvent) -> dict[str, Any] | None:
        """What its pictures say; `unread` says why one says nothing, or not all. Raises Missing where none of them can
        be read. When its time is over, it has found what it has by then: one that takes long hides none beside it."""
        seen: list[dict[str, Any]] = []
        unread: list[str] = []
        try:
            await self._look_at_all(event, seen, unread)
        except asyncio.CancelledError:
            if not seen:
                raise
            unread.append("timeout")
        if unread and not seen:
            raise Missing(unread[0])
        found = self.put_together(seen)
        found["unread"] = list(dict.fromkeys(unread + found.get("unread", [])))
        return {name: value for name, value in found.items() if value} or None

    async def _look_at_all(self, event: RawEvent, seen: list[dict[str, Any]], unread: list[str]) -> None:
        """Pictures are got side by side, so that an address where nobody answers hides none behind it, and looked at
        one after the other: an event has one process at a time."""
        references = list(islice(self._references_of(event), self._where.most + 1))
        turn = asyncio.Lock()
        looking = [asyncio.ensure_future(self._look(one, turn)) for one in references[: self._where.most]]
        try:
            if looking:
                await asyncio.wait(looking)
        finally:
            for one in looking:
                one.cancel()
            for looked in await asyncio.gather(*looking, return_exceptions=True):
                self._note(looked, seen, unread)
            if len(references) > self._where.most:
                unread.append("too_many")

    def _note(self, looked: dict[str, Any] | BaseException, seen: list[dict[str, Any]], unread: list[str]) -> None:
        if isinstance(looked, asyncio.CancelledError):
            return  # its time is over, which is told once
        if isinstance(looked, Missing):
            unread.append(looked.reason)
            looked = looked.so_far
        elif isinstance(looked, BaseException):
            _log.error("a picture could not be looked at", error=repr(looked)[:500])
            unread.append("failed")
        if isinstance(looked, dict):
            seen.append(looked)
            unread += looked["unread"]

    async def _look(self, reference: str, turn: asyncio.Lock) -> dict[str, Any]:
        data = await self._references.bytes_of(reference)
        async with turn:
            looked: dict[str, Any] = await self._seen.get(sha256(data).digest(), lambda: self._children.ask(data))
        return looked

    def _references_of(self, event: RawEvent) -> Iterator[str]:
        for path in self._where.fields:
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


def _without_bytes(value: Any, depth: int) -> Any:
    """What is longer than an address, or is base64, is a picture's bytes."""
    if isinstance(value, str):
        if _TAKEN_OUT.fullmatch(value):  # by another one
            return value
        is_bytes = len(value) > _LONGEST_ADDRESS or ":" not in value[:100] or value[:5].lower() == "data:"
        return f"{len(value)} characters" if is_bytes else value
    if isinstance(value, list):
        return [_without_bytes(item, depth - 1) for item in value] if depth else []
    if isinstance(value, dict) and depth:
        return {name: _without_bytes(item, depth - 1) if name in _NAMES else item for name, item in value.items()}
    return value
