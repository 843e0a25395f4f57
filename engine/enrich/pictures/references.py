"""Where the bytes of a picture come from: from the event itself, a directory, an object store, the web."""

import asyncio
import os
import stat
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.enrich.answers import Missing
from engine.enrich.pictures.http import WebPictures


class References:
    """`directory`: below which `file:` leads, if anywhere; `stores`: what references to object stores begin with, such
    as `s3://uploads/`."""

    def __init__(self, web: WebPictures, directory: str, stores: Collection[str], max_bytes: int) -> None:
        self._web, self._stores, self._max_bytes = web, tuple(stores), max_bytes
        self._directory = Path(directory).resolve() if directory else None
        self._threads = asyncio.Semaphore(8)

    async def bytes_of(self, reference: str) -> bytes:
        """The bytes of a picture: base64, a `data:` URL, or what lies behind an address. Raises Missing."""
        scheme, colon, _ = reference[:100].partition(":")
        if not colon:
            return self._decoded(reference)
        scheme = scheme.lower()
        if scheme == "data":
            head, comma, data = reference.partition(",")
            return self._decoded(data) if comma and head.endswith(";base64") else self._decoded("")
        if scheme in ("http", "https"):
            return await self._web.fetch(reference)
        if scheme == "file":
            return await self._in_thread(self._file, reference)
        if reference.startswith(self._stores) and "::" not in reference and ".." not in reference:
            return await self._in_thread(self._store, reference)
        raise Missing("host_not_allowed")

    def _decoded(self, text: str) -> bytes:
        if len(text) > self._max_bytes * 4 // 3 + 4:
            raise Missing("too_large")
        try:
            data = b64decode(text, validate=True)
        except (Base64Error, ValueError):
            data = b""
        if not data:
            raise Missing("no_picture")
        return data

    async def _in_thread(self, read: Callable[[str], bytes], reference: str) -> bytes:
        async with self._threads:
            return await asyncio.to_thread(read, reference)

    def _file(self, reference: str) -> bytes:
        if self._directory is None:
            raise Missing("host_not_allowed")
        try:
            parts = urlsplit(reference)
            path = (self._directory / unquote(parts.path).lstrip("/")).resolve()
            if parts.netloc not in ("", "localhost") or not path.is_relative_to(self._directory):
                raise Missing("host_not_allowed")
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except (OSError, ValueError):
            raise Missing("not_there") from None
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise Missing("not_there")
        with os.fdopen(opened, "rb") as file:
            return self._bounded(file.read(self._max_bytes + 1))

    def _store(self, reference: str) -> bytes:
        fsspec = import_module("fsspec")
        try:
            with fsspec.open(reference, "rb") as file:
                return self._bounded(file.read(self._max_bytes + 1))
        except FileNotFoundError:
            raise Missing("not_there") from None
        except Missing:
            raise
        except Exception as error:  # each kind of store has errors of its own
            raise Missing("not_reached") from error

    def _bounded(self, data: bytes) -> bytes:
        if len(data) > self._max_bytes:
            raise Missing("too_large")
        return data
