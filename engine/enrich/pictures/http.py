"""Pictures from the web. Whoever writes the event writes the address, so it leads where operators allow, or nowhere.

A host has to be declared. Its addresses are looked up once, here, and connected to as they were looked up: a name that
means another machine the next time (DNS rebinding) gains nothing. Addresses that are not public are refused, whatever
name leads to them. A redirect is an address like any other.
"""

import socket
from collections.abc import Collection
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from engine.enrich.answers import Missing

_UNICAST = ip_network("2000::/3")
"""All that is public of IPv6; elsewhere are site-local addresses, and IPv4's in other forms, translated (NAT64) too."""

_MOST_REDIRECTS = 3
_CHUNK = 65_536
_OK, _REDIRECTS = 200, (301, 302, 303, 307, 308)


class _Public(AbstractResolver):
    """Looks names up, and gives addresses that may be connected to."""

    def __init__(self, networks: Collection[str]) -> None:
        self._networks = [ip_network(network) for network in networks]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises Missing where one of them is none that may be connected to."""
        found = await ThreadedResolver().resolve(host, port, family)
        for one in found:
            self.check(one["host"])
        return found

    def check(self, address: str) -> None:
        """Raise Missing where an address is neither public nor declared."""
        ip = ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
        public = all(one.is_global and not one.is_multicast for one in (ip, mapped) if one is not None)
        public = public and (ip.version == 4 or ip in _UNICAST)
        if not public and not any(ip in network for network in self._networks):
            raise Missing("private_address")

    async def close(self) -> None:
        """Nothing is open."""


class WebPictures:
    """`hosts`: `img.example.com`, `*.example.com`, with a port where it is another one; `networks`: that may be
    connected to though they are not public."""

    def __init__(self, hosts: Collection[str], networks: Collection[str], max_bytes: int) -> None:
        self._hosts = {host.lower() for host in hosts if not host.startswith("*.")}
        self._below = tuple(host.lower()[1:] for host in hosts if host.startswith("*."))
        self._resolver, self._max_bytes = _Public(networks), max_bytes
        self._session: Any = None

    async def start(self) -> None:
        """Open nothing yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False, limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            headers={"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "floodgate"},
        )  # fmt: skip

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
                    return await self._read(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            missing = error.__cause__
            raise (missing if isinstance(missing, Missing) else Missing("not_reached")) from error
        raise Missing("too_many_redirects")

    def _check(self, url: URL) -> None:
        host = (url.host or "").lower().rstrip(".")
        if url.scheme not in ("http", "https") or url.user is not None or url.password is not None:
            raise Missing("host_not_allowed")
        named = host if url.is_default_port() else f"{host}:{url.port}"
        if named not in self._hosts and not named.endswith(self._below or ("\0",)):
            raise Missing("host_not_allowed")
        try:
            ip_address(host)
        except ValueError:
            return
        self._resolver.check(host)  # a literal is not looked up

    async def _read(self, response: Any) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_chunked(_CHUNK):
            size += len(part)
            if size > self._max_bytes:
                raise Missing("too_large")
            parts.append(part)
        return b"".join(parts)
