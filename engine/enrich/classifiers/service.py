"""One request to a classifier, and what came of it. Redirects are not followed: a classifier has no use for them."""

import asyncio
import ssl
from random import uniform
from typing import Any

import aiohttp
from yarl import URL

from engine.enrich.answers import Missing
from engine.enrich.classifiers.findings import parsed
from engine.enrich.classifiers.options import HttpOptions
from engine.enrich.classifiers.retries import RetryBudget
from engine.enrich.web import Addresses, missing_for, open_session, read_bounded
from engine.errors import SettingsError
from engine.security import read_secret

NOT_REACHED, TOO_MANY, UNAVAILABLE, SERVER_ERROR = "not_reached", "too_many_requests", "unavailable", "server_error"
_AGAIN = (NOT_REACHED, TOO_MANY, UNAVAILABLE)
"""What may be otherwise a moment later, whatever has been sent."""

FAILURES = (*_AGAIN, SERVER_ERROR, "timeout")
"""What tells that the service may be in trouble."""

_PAUSES_S = (0.05, 0.15)


class Service:
    """A service that takes JSON and answers with JSON. Raises ValueError where its certificates cannot be read."""

    def __init__(self, options: HttpOptions) -> None:
        self._options, self._url = options, URL(options.url)
        self._addresses, self._retries = Addresses(options.allow_networks), RetryBudget()
        self._tls: ssl.SSLContext | bool = True
        if options.ca_file:
            try:
                self._tls = ssl.create_default_context(cafile=options.ca_file)
            except OSError as error:
                raise ValueError(f"`ca_file` cannot be used: {error}") from error
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open nothing yet. Raises SettingsError where the secret cannot be read."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._options.secret_file:
            secret = read_secret(self._options.secret_file, "secret_file")
            if not secret.isprintable() or not secret.isascii():
                raise SettingsError("`secret_file` has more than one line, or what no header can have")
            headers[self._options.secret_header] = secret
        self._session = open_session(self._addresses, headers, keeps=True, tls=self._tls)

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, body: bytes) -> Any:
        """The JSON that it answers with. Raises Missing."""
        self._retries.earn()
        for _ in range(self._options.retries):
            try:
                return await self._ask_once(body)
            except Missing as missing:
                if missing.reason not in _AGAIN or not self._retries.take():
                    raise
            await asyncio.sleep(uniform(*_PAUSES_S))
        return await self._ask_once(body)

    async def answers(self, body: bytes) -> bool:
        """Whether it answers at all, be it that it refuses."""
        try:
            await self._ask_once(body)
        except Missing as missing:
            return missing.reason not in FAILURES
        return True

    async def _ask_once(self, body: bytes) -> Any:
        assert self._session is not None, "it has not been started"
        try:
            self._addresses.check_literal(self._url.host or "")
            async with self._session.post(self._url, data=body, allow_redirects=False) as response:
                reason = _reason(response.status)
                if reason is not None:
                    raise Missing(reason)
                return parsed(await read_bounded(response, self._options.max_answer_bytes))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise missing_for(error) from error


def _reason(status: int) -> str | None:
    """Why an answer with this status says nothing; None where it does say something."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "redirected"
    if status == 429:
        return TOO_MANY
    if status < 500:
        return "refused"
    return UNAVAILABLE if status in (502, 503, 504) else SERVER_ERROR
