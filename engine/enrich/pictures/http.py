"""Pictures from the web. Whoever writes the event writes the address, so it leads where operators allow, or nowhere.

A host has to be declared, and what it means is checked (`engine/enrich/web.py`). A redirect is an address like any
other.
"""

from collections.abc import Collection
from typing import Any

import aiohttp
from yarl import URL

from engine.enrich.answers import Missing
from engine.enrich.web import Addresses, missing_for, open_session, read_bounded

_MOST_REDIRECTS = 3
_OK, _REDIRECTS = 200, (301, 302, 303, 307, 308)


class WebPictures:
    """`hosts`: `img.example.com`, `*.example.com`, with a port where it is another one; `networks`: that may be
    connected to though they are not public."""

    def __init__(self, hosts: Collection[str], networks: Collection[str], max_bytes: int) -> None:
        self._hosts = {host.lower() for host in hosts if not host.startswith("*.")}
        self._below = tuple(host.lower()[1:] for host in hosts if host.startswith("*."))
        self._addresses, self._max_bytes = Addresses(networks), max_bytes
        self._session: Any = None

    async def start(self) -> None:
        """Open nothing yet."""
        self._session = open_session(self._addresses, {"Accept": "image/*"})

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def fetch(self, address: str) -> bytes:
        """The bytes behind an address. Raises Missing."""
        try:
            url = URL(address)
            for _ in range(1 + _MOST_REDIRECTS):
                self._check(url)
                async with self._session.get(url, allow_redirects=False) as response:
                    if response.status in _REDIRECTS:
                        url = url.join(URL(response.headers.get("Location", "")))
                        continue
                    if response.status != _OK:
                        raise Missing("not_there")
                    return await read_bounded(response, self._max_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise missing_for(error) from error
        raise Missing("too_many_redirects")

    def _check(self, url: URL) -> None:
        host = (url.host or "").lower().rstrip(".")
        if url.scheme not in ("http", "https") or url.user is not None or url.password is not None:
            raise Missing("host_not_allowed")
        named = host if url.is_default_port() else f"{host}:{url.port}"
        if named not in self._hosts and not named.endswith(self._below):
            raise Missing("host_not_allowed")
        self._addresses.check_literal(host)
