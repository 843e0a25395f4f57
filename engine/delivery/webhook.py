"""One request to a receiver, and what came of it."""

import ssl
import time
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from engine.build import find_build
from engine.delivery.signing import read_secrets, signed_headers
from engine.delivery_settings import DeliverySettings, ReceiverSettings
from engine.errors import SettingsError

_MOST_ANSWER_BYTES = 65_536
_MOST_WHY_CHARS = 200
_LONGEST_RETRY_AFTER_S = 300.0


class Answer(NamedTuple):
    """`status`: as HTTP has it, or `timeout` or `unreachable`; `wait_s`: so long the receiver asks to be left alone."""

    is_taken: bool
    status: str
    why: str
    wait_s: float = 0.0


def open_session(settings: DeliverySettings) -> ClientSession:
    """What requests are made with: no proxies from the environment, no cookies. Raises SettingsError."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise SettingsError(f"`delivery.ca_file` cannot be used: {error}") from error
    return ClientSession(connector=TCPConnector(ssl=context, limit=0), trust_env=False)


def body_of(action: bytes, published_ms: int) -> bytes:
    """What is posted. `action`: JSON, as it stands on the topic."""
    return b'{"published_ms":%d,"action":%b}' % (published_ms, action)


class Webhook:
    """A receiver. Raises SettingsError where its secret cannot be read."""

    def __init__(self, settings: ReceiverSettings, session: ClientSession) -> None:
        self._url, self._session = settings.url, session
        self._secrets = read_secrets(settings.secret_file)
        self._timeout = ClientTimeout(total=settings.timeout_s)
        self._fixed = {"content-type": "application/json", "user-agent": f"floodgate/{find_build().version}"}

    async def post(self, action_id: str, action: bytes, published_ms: int) -> Answer:
        """Send an action once. Redirects are not followed: they would lead to hosts that nobody has allowed."""
        body = body_of(action, published_ms)
        headers = {**self._fixed, **signed_headers(self._secrets, action_id, int(time.time()), body)}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                said = await answer.content.read(_MOST_ANSWER_BYTES)
                is_taken = 200 <= answer.status < 300
                why = "" if is_taken else said[:_MOST_WHY_CHARS].decode("utf-8", "replace")
                return Answer(is_taken, str(answer.status), why, _seconds(answer.headers.get("retry-after", "")))
        except TimeoutError:
            return Answer(False, "timeout", f"no answer within {self._timeout.total:g} s")
        except (ClientError, OSError) as error:
            return Answer(False, "unreachable", repr(error)[:_MOST_WHY_CHARS])


def _seconds(text: str) -> float:
    return min(float(text), _LONGEST_RETRY_AFTER_S) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
