"""Requests to the OpenID provider: to hosts that the settings name, within a time and a size, and without redirects."""

import http.client
import ssl
import time
from collections.abc import Collection, Mapping
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, getproxies

import orjson

from engine.console_settings import LOOPBACK
from engine.errors import RequestError

TIMEOUT_S = 5.0
LONGEST_S = 10.0
MAX_BYTES = 1 << 20
MOST_AT_ONCE = 8
_PART_BYTES = 1 << 16


class Answer(NamedTuple):
    """What the provider has answered, as Authlib reads it."""

    host: str
    status_code: int
    body: bytes

    def json(self) -> Any:
        """The body. Raises ValueError."""
        return orjson.loads(self.body)

    def raise_for_status(self) -> None:
        """Raise RequestError where this is no success."""
        if not 200 <= self.status_code < 300:
            raise RequestError(
                f"the OpenID provider {self.host} answered with {self.status_code}: try again later", 502
            )


class Session:
    """Asks the provider; Authlib's client sends by it too. `hosts`: who may be asked, with their ports. Threads may
    share it: pages are served by a few dozen, of which a slow provider holds some at most."""

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._free = BoundedSemaphore(MOST_AT_ONCE)
        self._opener = OpenerDirector()  # without handlers of redirects, files and data
        proxies = {scheme: proxy for scheme, proxy in getproxies().items() if scheme == "https"}
        for handler in (ProxyHandler(proxies), HTTPHandler(), HTTPSHandler()):
            self._opener.add_handler(handler)

    def check(self, url: object) -> str:
        """The URL, where it leads to the provider. Raises RequestError where it does not."""
        try:
            parts = urlsplit(url if isinstance(url, str) else "")
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("https", "http") or parts.netloc.lower() not in self._hosts:
            raise RequestError(
                f"the OpenID provider names an address of another host, {str(url)[:200]!r}: who runs this console may "
                "trust that host by `console.oidc_hosts`", 502,
            )  # fmt: skip
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise RequestError(f"the OpenID provider names an address without TLS, {str(url)[:200]!r}", 502)
        return str(url)

    def get(self, url: object) -> Mapping[str, Any]:
        """The JSON object that is there. Raises RequestError."""
        answer = self._ask(Request(self.check(url), headers={"Accept": "application/json"}))
        answer.raise_for_status()
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RequestError(f"the OpenID provider {answer.host} answered with something else than JSON", 502)
        return found

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Answer:
        """Send a form, with what proves that it is from us. Raises RequestError."""
        place, signed, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._ask(Request(self.check(place), body.encode(), signed, method="POST"))

    def _ask(self, request: Request) -> Answer:
        if not self._free.acquire(blocking=False):
            raise RequestError("too many people are signing in right now: try again in some seconds", 503)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(request.host, response.status, _read(response))
        except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
            raise RequestError(
                f"the OpenID provider {request.host} cannot be asked ({str(error)[:200]}): try again later, or sign in "
                "with a password", 502,
            ) from error  # fmt: skip
        finally:
            self._free.release()


def _read(response: http.client.HTTPResponse) -> bytes:
    """The body. Raises OSError where it is too long or takes too long."""
    until, parts, length = time.monotonic() + LONGEST_S, [], 0
    while part := response.read1(_PART_BYTES):
        parts.append(part)
        length += len(part)
        if length > MAX_BYTES:
            raise OSError(f"it answered with more than {MAX_BYTES:,} bytes")
        if time.monotonic() > until:
            raise TimeoutError(f"it took longer than {LONGEST_S:.0f} s")
    return b"".join(parts)
