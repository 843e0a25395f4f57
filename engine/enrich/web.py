"""What enrichers ask over HTTP, and whom they may ask.

Names are looked up once, here, and their addresses connected to as they were looked up: a name that means another
machine the next time (DNS rebinding) gains nothing. Addresses that are not public are refused, whatever name leads to
them.
"""

import socket
import ssl
from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from engine.enrich.answers import Missing

_UNICAST = ip_network("2000::/3")
"""All that is public of IPv6; elsewhere are site-local addresses, and IPv4's in other forms, translated (NAT64) too."""

_CHUNK = 65_536
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "floodgate"}


class Addresses(AbstractResolver):
    """Looks names up, and gives addresses that may be connected to. `networks`: those that may be though they are not
    public."""

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

    def check_literal(self, host: str) -> None:
        """The same of a host that is an address itself: it is not looked up."""
        try:
            ip_address(host)
        except ValueError:
            return
        self.check(host)

    async def close(self) -> None:
        """Nothing is open."""


def open_session(
    addresses: Addresses, headers: Mapping[str, str], keeps: bool = False, tls: ssl.SSLContext | bool = True
) -> aiohttp.ClientSession:
    """What requests are made with: no proxies of the environment, no cookies, nothing decompressed. `keeps`: whether
    connections are kept for the next request."""
    connector: Any = aiohttp.TCPConnector(
        resolver=addresses, use_dns_cache=False, limit=0, force_close=not keeps, ssl=tls
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
        headers={**_HEADERS, **headers}, timeout=aiohttp.ClientTimeout(total=None),
    )  # fmt: skip


async def read_bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body of an answer. Raises Missing where it is longer."""
    parts, size = [], 0
    async for part in response.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > max_bytes:
            raise Missing("too_large")
        parts.append(part)
    return b"".join(parts)


def missing_for(error: Exception) -> Missing:
    """What is told of an error of a connection."""
    cause = error.__cause__
    return cause if isinstance(cause, Missing) else Missing("not_reached")
